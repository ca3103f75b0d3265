"""Walks from where metrics arise to the autoscaler that acts on them, and names the first broken link."""
