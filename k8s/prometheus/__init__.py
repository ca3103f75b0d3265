"""Prometheus: its manifest, and how a release's alerts get into it."""
