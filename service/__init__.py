"""The users API."""

from service.fleet import names

NAME = "users-api"
"""What the service calls itself: in traces, to those it asks, and before its keys in Redis."""
__version__ = "0.1.0"

# Here, as this runs before anything that counts and logs is imported.
names.METRICS, names.ACCESS_LOG = "users_api_", "service.access"
