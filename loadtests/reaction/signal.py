from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from k8s.client.api import get
from k8s.client.autoscaler import of_requests
from k8s.client.errors import NoAnswerError
from k8s.client.notation import quantity
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from k8s.client.tolerance import tolerance_of
from loadtests.errors import LoadTestError

PERIOD_SECONDS = 0.25


@dataclass(frozen=True)
class Signal:
    """What the autoscaler follows beside CPU: a Prometheus query that KEDA serves as an external metric."""

    name: str
    """As `make watch` calls it."""
    query: str
    metric: str
    selector: str
    target: float
    """Wanted of each replica."""
    tolerance: float

    def bearable(self, replicas: int) -> float:
        """The highest value at which the autoscaler keeps this number of replicas."""
        return self.target * replicas * (1 + self.tolerance)


def read_signals(api: Any, release: Release) -> tuple[Signal, ...]:  # noqa: ANN401 - the client has no types
    """Read them, one or two, from the release's ScaledObject and HorizontalPodAutoscaler.

    Raises:
        LoadTestError: the release is not scaled by KEDA on a Prometheus query.
        ClusterError: there is no such release, or the cluster does not answer.
    """
    name = release.autoscaler().name
    missing = (
        f"no ScaledObject scales Deployment {release.deployment} in namespace {release.namespace}: the reaction is "
        "measured of a release with autoscaling.engine=keda, as chart/values-kind.yaml has it"
    )
    of_namespace = f"namespaces/{release.namespace}"
    try:
        listed = get(api, f"/apis/keda.sh/v1alpha1/{of_namespace}/scaledobjects")["items"]
        scaler = get(api, f"/apis/autoscaling/v2/{of_namespace}/horizontalpodautoscalers/{name}")
    except NoAnswerError as error:
        raise LoadTestError(f"{missing} ({error.said})") from error
    of_it = [each for each in listed if each["spec"]["scaleTargetRef"]["name"] == release.deployment]
    if not of_it:
        raise LoadTestError(missing)
    scaled = of_it[0]
    # KEDA calls a metric after its trigger's place.
    queries = {
        f"s{place}-prometheus": each["metadata"]["query"]
        for place, each in enumerate(scaled["spec"]["triggers"])
        if each["type"] == "prometheus"
    }
    metrics = [each["external"] for each in scaler["spec"]["metrics"] if each["type"] == "External"]
    found = [each for each in metrics if each["metric"]["name"] in queries]
    if not found:
        raise LoadTestError(
            f"ScaledObject {scaled['metadata']['name']} has no prometheus trigger: set autoscaling.requestRate.source"
        )
    return tuple(
        Signal(
            name=of_requests(each["metric"]["name"])[0],
            query=queries[each["metric"]["name"]],
            metric=each["metric"]["name"],
            selector=",".join(
                f"{key}={value}" for key, value in each["metric"].get("selector", {}).get("matchLabels", {}).items()
            ),
            target=quantity(each["target"]["averageValue"]) or 0.0,
            tolerance=tolerance_of(scaler).up,
        )
        for each in found
    )


def first_scrape(prometheus: Prometheus, counters: str, after_s: float, until_s: float) -> float | None:
    """Time of the first sample of the pods' requests, which `counters` selects, taken after a time.

    Raises:
        ClusterError: Prometheus does not answer.
    """
    samples = _values(prometheus, f"max(timestamp({counters}))", after_s, until_s)
    return next((sampled_at_s for _, sampled_at_s in samples if sampled_at_s > after_s), None)


def crossing(prometheus: Prometheus, query: str, bound: float, after_s: float, until_s: float) -> float | None:
    """Time at which the query was first above the bound.

    Raises:
        ClusterError: Prometheus does not answer.
    """
    return next((at_s for at_s, value in _values(prometheus, query, after_s, until_s) if value > bound), None)


def _values(prometheus: Prometheus, query: str, after_s: float, until_s: float) -> Sequence[tuple[float, float]]:
    series = prometheus.query_range(query, after_s, until_s, PERIOD_SECONDS)
    return series[0].values if series else ()
