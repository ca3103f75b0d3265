"""Makes the passwords and the certificate of a release in its cluster, once: `python -m service.credentials`.

A chart cannot do it: each `helm template`, and so Argo CD and Flux, would make new ones.
"""
