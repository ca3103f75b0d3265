"""A user looked up in PostgreSQL by its id, in each of the ways to write that: what the repository is measured beside.

Each is a context manager that is given a URL and yields the look-ups of `WORKERS` workers, which run at once.
"""
