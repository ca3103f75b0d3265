import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import asyncpg
import httpx

from loadtests.bench.contestants import Contestant, service
from loadtests.bench.cores import on_core
from loadtests.bench.lookups.lookup import WORKERS
from loadtests.bench.postgres import postgres
from loadtests.bench.process import Running
from loadtests.bench.rounds import WARM_UP_SECONDS, Bench
from loadtests.measure import Answers, Request, Stage, open_load

STATEMENT_SECONDS = 0.1
# Twice what that many connections carry out of statements that take so long.
UNCACHED_RATE = round(2 * WORKERS / STATEMENT_SECONDS)
CACHED_RATE = 240
CACHED_IDS = 10
USERS = 20_000
# Who waits for an answer at a time: without a gate up to three seconds' worth of uncached reads.
MAX_VUS = 800
REFUSED_P99_MS = 500
CACHED_P99_MS = 10
# Of its core: what it takes beyond, requests wait for k6, and the times are its own.
GENERATOR_SHARE = 0.7
GATED, UNGATED = "the service", "without a gate: all wait"
# The second one is to miss the bounds, or meeting them means nothing.
VARIANTS: Mapping[str, Mapping[str, str]] = {
    GATED: {},
    UNGATED: {"database_wait_seconds": "3", "database_max_waiting": "100000"},
}
_SLOW = f"""
    ALTER TABLE users RENAME TO rows;
    CREATE VIEW users AS SELECT rows.* FROM rows, pg_sleep({STATEMENT_SECONDS});
"""  # noqa: S608 - a number of our own
_TOKEN = "test-token"  # noqa: S105 - of development


@dataclass(frozen=True)
class Overload:
    """How a service met twice as many uncached reads as its connections can carry out, beside cached ones."""

    seconds: float
    served: int
    refused: int
    refused_p50_ms: float | None
    refused_p99_ms: float | None
    cached: int
    cached_p50_ms: float | None
    cached_p99_ms: float | None
    failed: int
    """Cached reads that no cache answered, and uncached ones that got neither a user nor 503 with Retry-After."""
    unsent: int = 0
    """Requests that the generator was too busy to send."""
    generator_share: float = 0.0
    """What the generator took of its core."""


def measure(bench: Bench, show: Callable[[str], None]) -> dict[str, Overload]:
    """Send each variant the same overload; returns what came of it, by variant."""
    with postgres(bench.load_core, USERS) as url:
        asyncio.run(_carry_out(url, _SLOW))
        found = {}
        for name, settings in VARIANTS.items():
            show(f"overload: {name}")
            with bench.serve(_contestant(url, settings)) as server:
                found[name] = _overload(bench, server)
    return found


def invalid(overload: Overload) -> Iterator[str]:
    """Name what keeps the figures from being those of a service under twice its load."""
    if not overload.refused:
        yield "nobody was refused, so it was none"
    if overload.unsent:
        yield f"{overload.unsent} requests could not be sent, so it was less"
    if overload.generator_share > GENERATOR_SHARE:
        share = f"{overload.generator_share:.0%} of its core, to be {GENERATOR_SHARE:.0%} at most"
        yield f"k6 took {share}: the times are its own"


def missed(overload: Overload) -> Iterator[str]:
    """Name the bounds that were not kept."""
    if (p99 := overload.refused_p99_ms) is not None and p99 >= REFUSED_P99_MS:
        yield f"503 came after {p99:.0f} ms at p99, to be under {REFUSED_P99_MS} ms"
    if (p99 := overload.cached_p99_ms) is None or p99 >= CACHED_P99_MS:
        yield f"cached reads took {p99 or float('nan'):.1f} ms at p99, to be under {CACHED_P99_MS} ms"
    if overload.failed:
        yield f"{overload.failed} requests failed, to be none"


def summarise(answers: Answers, seconds: float, *, unsent: int = 0, generator_share: float = 0.0) -> Overload:
    """Sort the answers by what was asked, and by how it ended."""
    cached = answers.where(lambda answer: answer.name == "cached")
    hits = cached.where(lambda answer: answer.status == HTTPStatus.OK and answer.cache == "L1")
    uncached = answers.where(lambda answer: answer.name == "uncached")
    served = uncached.where(lambda answer: answer.status == HTTPStatus.OK)
    refused = uncached.where(
        lambda answer: answer.status == HTTPStatus.SERVICE_UNAVAILABLE and answer.retry_after != ""
    )
    return Overload(
        seconds,
        served=len(served),
        refused=len(refused),
        refused_p50_ms=_percentile_ms(refused, 0.5),
        refused_p99_ms=_percentile_ms(refused, 0.99),
        cached=len(hits),
        cached_p50_ms=_percentile_ms(hits, 0.5),
        cached_p99_ms=_percentile_ms(hits, 0.99),
        failed=len(answers) - len(hits) - len(served) - len(refused),
        unsent=unsent,
        generator_share=generator_share,
    )


def _overload(bench: Bench, server: Running) -> Overload:
    base_url = server.url.removesuffix("/api/users/1")
    for number in range(1, CACHED_IDS + 1):
        httpx.get(f"{base_url}/api/users/{number}", headers={"authorization": f"Bearer {_TOKEN}"}).raise_for_status()
    seconds = bench.rounds * bench.seconds
    rate = UNCACHED_RATE + CACHED_RATE
    environment = {
        "BASE_URL": base_url,
        "TOKEN": _TOKEN,
        # Each user once, of those that no cache has.
        "IN_TURN": "1",
        "FIRST_USER": str(CACHED_IDS + 1),
        "USERS": str(USERS - CACHED_IDS),
    }
    with (
        on_core(bench.load_core),
        open_load(
            bench.logs / "overload",
            [Stage(rate, WARM_UP_SECONDS + seconds)],
            requests=[Request(weight=UNCACHED_RATE, name="uncached"), *_cached()],
            environment=environment,
            max_vus=MAX_VUS,
        ) as load,
    ):
        load.join(WARM_UP_SECONDS + seconds + 60)
    answers = load.answers()
    counted = answers.where(lambda answer: answer.at_s >= answers[0].at_s + WARM_UP_SECONDS)
    share = load.cpu_seconds / (WARM_UP_SECONDS + seconds)
    return summarise(counted, seconds, unsent=load.dropped, generator_share=round(share, 2))


def _cached() -> list[Request]:
    paths = (f"/api/users/{number}" for number in range(1, CACHED_IDS + 1))
    return [Request(path, weight=CACHED_RATE / CACHED_IDS, name="cached") for path in paths]


def _contestant(url: str, settings: Mapping[str, str]) -> Contestant:
    """Make the service with a cache of its own alone, which keeps what it has."""
    fixed = {"database_pool_size": str(WORKERS), "cache_l2_enabled": "false", "cache_ttl_seconds": "3600"}
    return service("overload", database_url=url, **fixed, **settings)


async def _carry_out(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _percentile_ms(answers: Answers, share: float) -> float | None:
    return round(answers.percentile_ms(share), 3) if answers else None
