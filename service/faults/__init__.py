"""Faults on request, for tests of what surrounds the service; off by default, refused in production."""
