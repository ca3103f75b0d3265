"""The users API."""

NAME = "users-api"
"""What the service calls itself: in traces, to those it asks, and before its keys in Redis."""
__version__ = "0.1.0"
