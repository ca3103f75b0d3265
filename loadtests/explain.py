"""`python -m loadtests.explain`: how PostgreSQL finds the rows of each statement among a million; a page for the docs.

The exit status is 1 when a statement reads a table from end to end, or takes longer than it should.
"""

import argparse
import asyncio
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from k8s.cluster.revision import revision
from service.database import DatabaseConfig, Query
from service.dev import free_port
from service.dev.postgres import LocalPostgres, folder
from service.migrate import migrate
from service.seed import bar, seed
from service.users import queries

RUNS = 50
DAY_SECONDS = 86_400.0
QUERIES: Mapping[str, Query] = {query.name: query for query in vars(queries).values() if isinstance(query, Query)}
# Of the server's own time for a statement; the others write, which depends on the disk.
TARGETS_MS = {queries.GET.name: 0.1, queries.PAGE.name: 0.5}
_NEW_KEY = hashlib.sha256(b"new").digest()
_PRESENT_KEY = hashlib.sha256(b"2").digest()
# Half of the keys have expired: the odd ones.
_FILL_KEYS = """
    INSERT INTO idempotency_keys
    SELECT sha256(n::text::bytea), sha256(n::text::bytea), n, n, now() - make_interval(days => n % 2 * 2)
    FROM generate_series(1, $1::int) n
"""
_PAGE = """# Each statement, and how PostgreSQL finds its rows

Written by `make explain`, as it stands here: EXPLAIN ANALYZE of each statement in `service/users/queries.py`,
with {users:,} users and as many Idempotency-Keys, half of them expired, on PostgreSQL {version}; revision {revision}.

The time is the server's own, without planning and the network: the median of {runs} runs, each of which is rolled back.

{table}
{statements}"""


@dataclass(frozen=True)
class Explained:
    """What the server says of one statement."""

    query: Query
    milliseconds: float
    rows: int
    read_to_the_end: list[str]
    plan: str

    @property
    def missed(self) -> Iterator[str]:
        """What is not as it should be."""
        for table in self.read_to_the_end:
            yield f"{self.query.name} reads {table} from end to end"
        if (target := TARGETS_MS.get(self.query.name)) and self.milliseconds >= target:
            yield f"{self.query.name} takes {self.milliseconds:.3f} ms, to be under {target} ms"


def tables_read_to_the_end(plan: Mapping[str, Any]) -> list[str]:
    """Return the tables that a plan (as JSON has it) reads from end to end."""
    own = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" else []
    return own + [table for child in plan.get("Plans", ()) for table in tables_read_to_the_end(child)]


def arguments(middle: int, version: int) -> dict[str, tuple[object, ...]]:
    """Return what each statement is asked with: the user in the middle at its version, and somebody new."""
    new = ("Ada Lovelace", "ada.lovelace@example.org")
    return {
        queries.GET.name: (middle,),
        queries.GET_MANY.name: (",".join(map(str, range(middle, middle + 2000, 100))),),
        queries.PAGE.name: (middle, 21),
        queries.CREATE.name: new,
        queries.CREATE_ONCE.name: (*new, _NEW_KEY, _NEW_KEY, DAY_SECONDS),
        queries.FIND_KEY.name: (_PRESENT_KEY, DAY_SECONDS),
        queries.PURGE_KEYS.name: (DAY_SECONDS,),
        queries.UPDATE.name: (middle, new[0], None),
        queries.UPDATE_VERSION.name: (middle, new[0], None, version),
        queries.DELETE.name: (middle,),
        queries.DELETE_VERSION.name: (middle, version),
    }


async def explain(url: str, users: int) -> tuple[str, list[Explained]]:
    """Fill an empty server, and explain each statement there; returns the server's version too."""
    database = DatabaseConfig(url)
    await migrate(database)
    await seed(database, users, lambda done: _show(bar(done, users)))
    _show("\n")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_FILL_KEYS, users)
        await connection.execute("VACUUM ANALYZE")
        middle = users // 2
        asked = arguments(middle, await connection.fetchval("SELECT version FROM users WHERE id = $1", middle))
        explained = [await _explain(connection, query, asked[name]) for name, query in QUERIES.items()]
        return await connection.fetchval("SHOW server_version"), explained
    finally:
        await connection.close()


async def _explain(
    connection: "asyncpg.Connection[asyncpg.Record]", query: Query, asked: tuple[object, ...]
) -> Explained:
    async def once(form: str) -> str:
        transaction = connection.transaction()
        await transaction.start()
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT {form}) {query.sql}", *asked)
        await transaction.rollback()
        return "\n".join(row[0] for row in rows)

    runs = [json.loads(await once("JSON"))[0] for _ in range(RUNS)]
    plan = runs[-1]["Plan"]
    return Explained(
        query,
        median(run["Execution Time"] for run in runs),
        int(plan["Actual Rows"]),
        tables_read_to_the_end(plan),
        await once("TEXT"),
    )


def page(users: int, version: str, explained: list[Explained]) -> str:
    """Write it all down for a person."""
    table = ["| statement | ms | rows |", "| --- | ---: | ---: |"]
    table += [f"| [{one.query.name}](#{one.query.name}) | {one.milliseconds:.3f} | {one.rows:,} |" for one in explained]
    shown = {"users": users, "version": version, "revision": revision(), "runs": RUNS}
    return _PAGE.format(**shown, table="\n".join(table), statements="".join(map(_section, explained)))


def _section(one: Explained) -> str:
    return f"\n## {one.query.name}\n\n```sql\n{_unindented(one.query.sql)}\n```\n\n```text\n{one.plan}\n```\n"


def _unindented(sql: str) -> str:
    lines = sql.strip("\n").rstrip().splitlines()
    depth = min(len(line) - len(line.lstrip()) for line in lines)
    return "\n".join(line[depth:] for line in lines)


def _show(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def main() -> int:
    """Explain as the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.explain", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=1_000_000, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("docs/queries.md"), help="(default: %(default)s)")
    options = parser.parse_args()
    try:
        with folder() as place:
            server = LocalPostgres(place / "data", free_port(), "max_wal_size=4GB")
            server.create()
            server.start()
            try:
                version, explained = asyncio.run(explain(server.url(), options.users))
            finally:
                server.stop()
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    options.output.write_text(page(options.users, version, explained), encoding="utf-8")
    print(f"written: {options.output}")
    missed = [reason for one in explained for reason in one.missed]
    sys.stderr.writelines(f"missed: {reason}\n" for reason in missed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
