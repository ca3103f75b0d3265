"""The users API."""

from service.fleet import names

NAME = "users-api"
"""What the service calls itself: to those it asks, before its keys in Redis, and, by its prefix, in traces."""
__version__ = "0.1.0"

# Here, as this runs before anything that counts and logs is imported.
names.METRICS, names.ACCESS_LOG = "users_api_", "service.access"
