"""The ASGI servers the service can run on; one is chosen by a setting."""
