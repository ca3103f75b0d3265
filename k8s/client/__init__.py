"""A cluster as the tools see it: a release, its pods, autoscaler and events, and Prometheus.

Nothing is imported here: who only wants the errors need not wait for the client of Kubernetes.
"""
