from typing import Any, NamedTuple, TypeAlias

import asyncpg

Record: TypeAlias = "asyncpg.Record"
Arguments = tuple[Any, ...]


class Query(NamedTuple):
    """A statement, and what metrics, spans and logs call it."""

    name: str
    sql: str


class Read(NamedTuple):
    """What a server answered, and whether it may be cached. It may not if a replica answered whose age is unknown."""

    rows: "list[Record]"
    cacheable: bool
