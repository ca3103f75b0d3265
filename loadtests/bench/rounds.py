import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench import wrk
from loadtests.bench.contestants import Contestant
from loadtests.bench.process import Running, serve
from loadtests.bench.wrk import Measurement

WARM_UP_SECONDS = 1


@dataclass(frozen=True)
class Bench:
    """Where a run happens, and how thorough it is."""

    server_core: int
    load_core: int
    redis_url: str
    logs: Path
    rounds: int
    seconds: int

    def load(self, server: Running, seconds: int | None = None) -> Measurement:
        """Load one running server from the other core."""
        return wrk.load(server.url, self.load_core, seconds or self.seconds, server.contestant.ids)

    @contextmanager
    def serve(self, contestant: Contestant) -> Iterator[Running]:
        """Run one contestant on the server core."""
        with serve(contestant, self.server_core, self.redis_url, self.logs) as running:
            yield running


def interleave(
    bench: Bench, contestants: Sequence[Contestant], show: Callable[[str], None]
) -> dict[str, list[Measurement]]:
    """Measure all contestants in rounds, one at a time while the others idle, so that drift meets them alike.

    Each round starts with another one, so that none always follows the same neighbour.

    Returns:
        The measurements by the contestants' labels, one for each round.
    """
    results: dict[str, list[Measurement]] = {contestant.label: [] for contestant in contestants}
    with ExitStack() as stack:
        servers = [stack.enter_context(bench.serve(contestant)) for contestant in contestants]
        for server in servers:
            bench.load(server, WARM_UP_SECONDS)
            if server.contestant.tier:
                server.require_tier()
        for number in range(bench.rounds):
            started = time.monotonic()
            first = number % len(servers)
            for server in servers[first:] + servers[:first]:
                results[server.contestant.label].append(bench.load(server))
            show(f"round {number + 1} of {bench.rounds}: {time.monotonic() - started:.0f} s")
    return results
