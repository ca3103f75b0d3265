"""Makes the passwords and the certificate of a release in its cluster, once: `python -m service.credentials`.

A chart cannot: what a template draws is drawn anew by each `helm template`, and with it by Argo CD and Flux.
"""
