from dataclasses import dataclass

from k8s.client.errors import ClusterError
from loadtests.assess.installation import Installation
from loadtests.assess.response import CACHED
from loadtests.assess.throughput import Throughput
from loadtests.errors import LoadTestError


@dataclass(frozen=True)
class Caches:
    """Where the answers of the held load came from."""

    by_tier: dict[str, int]
    """By X-Cache, as the clients saw it."""
    by_counter: dict[str, float]
    """By the counter of the caches over the same time; empty where there is none, or Prometheus does not answer."""

    @property
    def hit_percent(self) -> float:
        """Of the answers with X-Cache: those from L1 or L2, or stale ones while a fresh one is loaded."""
        told = sum(self.by_tier.values())
        hits = sum(count for tier, count in self.by_tier.items() if tier in CACHED | {"STALE"})
        return 100 * hits / told if told else 0.0


def measure_caches(installation: Installation, throughput: Throughput) -> Caches:
    """Count the tiers that answered the held load, and ask Prometheus for the same.

    Raises:
        LoadTestError: no answer tells where it came from.
    """
    by_tier = {tier: count for tier, count in throughput.caches.items() if tier}
    if not by_tier:
        header = installation.application.cache
        raise LoadTestError(f"no answer has {header}: does something before the service take it away?")
    prefix = installation.application.metrics.prefix
    if not prefix:
        return Caches(by_tier, {})
    seconds = max(20, round(throughput.hold.seconds))  # four scrapes of the kind values
    ended_s = throughput.hold_began_s + throughput.hold.seconds
    try:
        counter = f"{prefix}cache_requests_total{{{installation.release.series}}}"
        samples = installation.prometheus.query(f"sum by (tier) (increase({counter}[{seconds}s]))", at_s=ended_s)
    except ClusterError:
        samples = []
    return Caches(by_tier, {sample.labels["tier"]: round(sample.value) for sample in samples})
