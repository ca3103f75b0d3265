"""Jaeger: its manifest, and how its source is cut down to what is used here."""
