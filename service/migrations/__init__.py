"""The schema's history, for Alembic; the service imports none of it."""
