"""What the service is measured beside: each an ASGI callable `app` that answers GET /api/users/1 with the same user."""
