"""Traefik, and which controllers there are for the chart's Ingress."""
