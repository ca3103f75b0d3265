from typing import Any, NamedTuple, TypeAlias

import asyncpg

Record: TypeAlias = "asyncpg.Record"
Arguments = tuple[Any, ...]


class Query(NamedTuple):
    """A statement, and what metrics, spans and logs call it."""

    name: str
    sql: str


class Read(NamedTuple):
    """What a server answered, and whether it may be cached: not what a replica says that can't be told to be recent."""

    rows: "list[Record]"
    cacheable: bool
