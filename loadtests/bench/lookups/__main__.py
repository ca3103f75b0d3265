"""`python -m loadtests.bench.lookups URL`: look users up, in the way and for the seconds that each line of stdin names.

Answers each with a line of JSON, which has the fields of a `Measurement`.
"""

import asyncio
import json
import random
import sys
from contextlib import AsyncExitStack
from statistics import quantiles
from time import perf_counter

import uvloop

from loadtests.bench.lookups.bare_asyncpg import connections, pool
from loadtests.bench.lookups.lookup import WAYS, LookUp
from loadtests.bench.lookups.psycopg3 import psycopg3
from loadtests.bench.lookups.repository import one_by_one, repository
from loadtests.bench.lookups.sqlalchemy_core import sqlalchemy_core
from loadtests.bench.lookups.sqlmodel_session import sqlmodel_session
from service.users.example import SEEDED_USERS

OPENERS = dict(
    zip(WAYS, (connections, repository, one_by_one, pool, psycopg3, sqlalchemy_core, sqlmodel_session), strict=True)
)


async def turn(look_ups: list[LookUp], seconds: float) -> dict[str, float]:
    """Have every worker look up one user after another for so long; returns what was seen."""
    started = perf_counter()
    taken: list[float] = []

    async def work(look_up: LookUp) -> None:
        began = perf_counter()
        while began - started < seconds:
            await look_up(random.randint(1, SEEDED_USERS))  # noqa: S311 - any user will do
            ended = perf_counter()
            taken.append(ended - began)
            began = ended

    await asyncio.gather(*map(work, look_ups))
    duration = perf_counter() - started
    percentiles = quantiles(taken, n=100)
    return {
        "requests": len(taken),
        "duration_seconds": duration,
        "p50_ms": percentiles[49] * 1e3,
        "p99_ms": percentiles[98] * 1e3,
        "failed": 0,  # what fails ends the process
    }


async def main(url: str) -> None:
    """Carry out what stdin says, until it ends."""
    async with AsyncExitStack() as stack:
        ways = {name: await stack.enter_async_context(opener(url)) for name, opener in OPENERS.items()}
        while line := await asyncio.to_thread(sys.stdin.readline):
            name, seconds = line.split()
            print(json.dumps(await turn(ways[name], float(seconds))), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
