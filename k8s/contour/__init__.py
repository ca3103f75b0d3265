"""Contour with Envoy: what serves the chart's Ingress where all is built."""
