import re
from collections.abc import Callable

import httpx

from loadtests.bench import wrk
from loadtests.bench.contestants import UNCACHED, UNCACHED_BY_ROUTES, UNCACHED_IDS, uncached
from loadtests.bench.lookups.lookup import WAYS
from loadtests.bench.postgres import look_ups, postgres
from loadtests.bench.process import Running
from loadtests.bench.rounds import WARM_UP_SECONDS, Bench
from loadtests.bench.wrk import Measurement
from loadtests.errors import LoadTestError

# Beside the other they must not find in Redis what that has put there.
BY_ROUTES = {"fast_path_enabled": "false", "redis_key_prefix": "by-routes"}
_LOADS = re.compile(rb'^users_api_cache_loads_total\{outcome="ok"\} (\S+)$', re.MULTILINE)


def measure(bench: Bench, show: Callable[[str], None]) -> dict[str, list[Measurement]]:
    """Look users up in PostgreSQL by the driver, by what is put around it, and over HTTP, in interleaved rounds.

    Who looks up runs on the server's core, PostgreSQL beside wrk on the other.

    Returns:
        The measurements by way, one for each round; the bare driver's first.
    """
    with (
        postgres(bench.load_core, UNCACHED_IDS) as url,
        look_ups(bench.server_core, url, bench.logs) as process,
        bench.serve(uncached(url)) as server,
        bench.serve(uncached(url, UNCACHED_BY_ROUTES, **BY_ROUTES)) as by_routes,
    ):
        asked = {UNCACHED: _Asked(bench, server), UNCACHED_BY_ROUTES: _Asked(bench, by_routes)}
        turns: dict[str, Callable[[int], Measurement]] = {
            **{way: lambda seconds, way=way: process.turn(way, seconds) for way in WAYS},  # type: ignore[misc]
            **{name: one.turn for name, one in asked.items()},
        }
        results: dict[str, list[Measurement]] = {way: [] for way in turns}
        for turn in turns.values():
            turn(WARM_UP_SECONDS)
        for number in range(bench.rounds):
            first = number % len(turns)
            ways = list(turns)
            for way in ways[first:] + ways[:first]:
                results[way].append(turns[way](bench.seconds))
            show(f"look-ups: round {number + 1} of {bench.rounds}")
        for one in asked.values():
            one.require_database()
    return results


class _Asked:
    """The service, asked for one user after another."""

    def __init__(self, bench: Bench, server: Running) -> None:
        self._bench = bench
        self._server = server
        self._asked = 0
        self._answered = 0

    def turn(self, seconds: int) -> Measurement:
        """Load it for so long, with users that it was not asked for before."""
        measured = wrk.load(self._server.url, self._bench.load_core, seconds, UNCACHED_IDS, self._asked)
        self._asked += measured.requests + wrk.CONNECTIONS  # those under way at the end
        self._answered += measured.requests
        return measured

    def require_database(self) -> None:
        """Raise a LoadTestError unless PostgreSQL was asked for nearly all users: others were in a cache."""
        found = _LOADS.search(httpx.get(self._server.url.replace("/api/users/1", "/metrics")).content)
        loads = float(found[1]) if found else 0
        if self._asked > UNCACHED_IDS or loads < self._answered:
            raise LoadTestError(f"of {self._answered:,} users {loads:,.0f} came from PostgreSQL, to be all of them")
