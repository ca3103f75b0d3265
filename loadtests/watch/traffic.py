import math
from collections import defaultdict
from collections.abc import Iterable

from k8s.chart.dashboards.postgresql import OF_REQUESTS, PRIMARY
from k8s.client.application import Metrics
from k8s.client.prometheus import Prometheus, Sample, all_at_once
from loadtests.watch.snapshot import Database, Traffic


def read_traffic(prometheus: Prometheus, query: str) -> Traffic:
    """Ask Prometheus.

    Raises:
        ClusterError: it does not answer.
    """
    return traffic(prometheus.query(query))


def traffic_query(pods: str, window_seconds: int, metrics: Metrics) -> str:
    """Write one query for all of it, each series with the label `part`: a dozen a second would be load themselves.

    `pods` selects the series of the release's pods, of which there are those that `metrics` names.
    """

    def rate(metric: str, by: str = "", matcher: str = "") -> str:
        series = f"{pods},{matcher}" if matcher else pods
        return f"sum by ({by}) (rate({metric}{{{series}}}[{window_seconds}s]))"

    parts = {}
    if metrics.requests:
        parts["status"] = rate(metrics.requests, metrics.status or "")
        parts["pod"] = rate(metrics.requests, "pod")
    if metrics.duration:
        buckets = rate(f"{metrics.duration}_bucket", "le")
        parts |= {f"p{percent}": f"histogram_quantile(0.{percent}, {buckets})" for percent in (50, 95, 99)}
    if metrics.prefix:
        database = f"{metrics.prefix}database"
        statements = f"{database}_query_seconds"
        parts |= {
            "tier": rate(f"{metrics.prefix}cache_requests_total", "tier"),
            "refused": rate(f"{metrics.prefix}rate_limit_denied_total"),
            "degraded": rate(f"{metrics.prefix}rate_limit_degraded_total"),
            "redis": f"min by (pod) ({metrics.prefix}redis_available{{{pods}}})",
            "primary": f"min by (pod) ({database}_available{{{pods},{PRIMARY}}})",
            "statements": rate(f"{statements}_count", matcher=OF_REQUESTS),
            "statement": f"histogram_quantile(0.95, {rate(f'{statements}_bucket', 'le', OF_REQUESTS)})",
            "in_use": f"sum({database}_pool_in_use{{{pods}}})",
            "connections": f"sum({database}_pool_size{{{pods}}})",
            "shed": rate(f"{database}_shed_total"),
            "behind": f"max({database}_replica_staleness_seconds{{{pods}}})",
        }
    parts["scrape"] = f"time() - max by (pod) (timestamp(up{{{pods}}}))"
    return all_at_once(parts, "part")


def traffic(series: Iterable[Sample]) -> Traffic:
    """Sort the query's series by what they are part of."""
    parts: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for sample in series:
        if not math.isnan(sample.value):
            of_it = next((text for name, text in sample.labels.items() if name != "part"), "")
            parts[sample.labels["part"]][of_it] = sample.value

    def one(part: str, factor: float = 1) -> float | None:
        return parts[part][""] * factor if "" in parts[part] else None

    primary = {pod: bool(value) for pod, value in parts["primary"].items()}
    database = Database(
        primary_available_by_pod=primary,
        statements=one("statements") or 0,
        p95_ms=one("statement", 1000),
        in_use=one("in_use") or 0,
        connections=one("connections") or 0,
        shed=one("shed") or 0,
        behind_seconds=one("behind"),
    )
    return Traffic(
        by_status=parts["status"],
        by_pod=parts["pod"],
        p50_ms=one("p50", 1000),
        p95_ms=one("p95", 1000),
        p99_ms=one("p99", 1000),
        by_cache_tier=parts["tier"],
        refused=one("refused"),
        degraded=one("degraded"),
        redis_available_by_pod={pod: bool(value) for pod, value in parts["redis"].items()},
        database=database if primary else None,
        oldest_scrape_seconds=max(parts["scrape"].values(), default=None),
    )
