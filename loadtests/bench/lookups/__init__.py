"""Ways to look a user up in PostgreSQL by its id, with which the repository is compared.

Each is a context manager that is given a URL and yields the look-ups of `WORKERS` workers, which run at once.
"""
