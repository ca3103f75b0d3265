from collections.abc import Awaitable, Callable

# The bare driver first, with which all others are compared.
WAYS = ("asyncpg", "repository", "repository_one_by_one", "asyncpg_pool", "psycopg", "sqlalchemy_core", "sqlmodel")
# As many connections as the service's pool has by default.
WORKERS = 8

LookUp = Callable[[int], Awaitable[object]]
