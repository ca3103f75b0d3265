from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from k8s.client.notation import quantity, unix_seconds

# What the chart scales on, whichever API brings it.
CPU, REQUEST_RATE, IN_FLIGHT = "cpu", "request rate", "in flight"
# The service's own name and that of an application on its library, which an adapter keeps, and KEDA's for a Prometheus
# trigger that is the first: in the chart's ScaledObject no other one is.
IN_FLIGHT_METRICS = ("users_api_requests_in_flight", "fleet_requests_in_flight", "s0-prometheus")


@dataclass(frozen=True)
class Target:
    """The value of one metric and its target; None: the autoscaler has no value yet."""

    name: str
    current: float | None
    wanted: float
    unit: str


@dataclass(frozen=True)
class Condition:
    """What it says of itself: AbleToScale, ScalingActive, ScalingLimited, or KEDA's Fallback."""

    kind: str
    status: str
    """True, False or Unknown."""
    reason: str
    message: str
    since_s: float | None = field(default=None, compare=False)
    """When its status was last another, whatever the reasons since; None: it does not say, as KEDA's."""

    @property
    def is_true(self) -> bool:
        """Whether it is known to be so."""
        return self.status == "True"

    @property
    def is_fault(self) -> bool:
        """Whether it hinders scaling. An autoscaler at its fewest or most replicas is limited, but as it should be."""
        return self.is_true if self.kind == "Fallback" else not self.is_true and self.kind != "ScalingLimited"


@dataclass(frozen=True)
class Autoscaler:
    """What a HorizontalPodAutoscaler has decided, and what it sees."""

    name: str
    minimum: int
    maximum: int
    desired: int
    current: int
    targets: tuple[Target, ...]
    conditions: Mapping[str, Condition]
    """By kind."""
    last_scaled_at_s: float | None
    scaled_object: str = ""
    """Of KEDA, that it was made from; empty: it was not."""

    @property
    def cpu_percent(self) -> float | None:
        """Of the request; None: it does not know."""
        return self._current(CPU)

    @property
    def request_rate(self) -> float | None:
        """Requests a second and replica; None: it does not know."""
        return self._current(REQUEST_RATE)

    def wants(self, told: int) -> int:
        """Replicas that it wants; before its first look, those that the Deployment is told to have."""
        return self.desired if self.current else told

    def target(self, name: str) -> Target | None:
        """Its target for a metric; None: it has none."""
        return next((target for target in self.targets if target.name == name), None)

    def _current(self, name: str) -> float | None:
        target = self.target(name)
        return target.current if target else None


def scales(hpa: Any, deployment: str) -> bool:  # noqa: ANN401 - JSON
    """Whether it is this Deployment that it scales."""
    target = hpa["spec"]["scaleTargetRef"]
    return (target["kind"], target["name"]) == ("Deployment", deployment)


def read_autoscaler(hpa: Any) -> Autoscaler:  # noqa: ANN401 - JSON
    """Make one of what the API server says."""
    spec, status = hpa["spec"], hpa.get("status", {})
    return Autoscaler(
        name=hpa["metadata"]["name"],
        minimum=spec.get("minReplicas", 1),
        maximum=spec["maxReplicas"],
        desired=status.get("desiredReplicas", 0),
        current=status.get("currentReplicas", 0),
        targets=tuple(_targets(spec.get("metrics", ()), status.get("currentMetrics") or ())),
        conditions=read_conditions(status),
        last_scaled_at_s=unix_seconds(status["lastScaleTime"]) if status.get("lastScaleTime") else None,
        scaled_object=hpa["metadata"].get("labels", {}).get("scaledobject.keda.sh/name", ""),
    )


def read_conditions(status: Any) -> dict[str, Condition]:  # noqa: ANN401 - JSON
    """Make those of a status, of KEDA's ScaledObject too."""
    return {each["type"]: _condition(each) for each in status.get("conditions") or ()}


def of_requests(metric: str) -> tuple[str, str]:
    """Tell which of the two metrics of requests has this name in an HPA, and its unit."""
    return (IN_FLIGHT, "each") if metric in IN_FLIGHT_METRICS else (REQUEST_RATE, "/s each")


def details(metric: Any) -> Any:  # noqa: ANN401 - JSON
    """Give what the metric's kind holds: `external: {...}`, `resource: {...}`; nothing if there is no value."""
    kind = metric["type"]
    return metric.get(kind[:1].lower() + kind[1:]) or {}


def identity(metric: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON
    """Give its kind and name, which a metric that is wanted shares with its value."""
    found = details(metric)
    return metric["type"], found.get("name") or found.get("metric", {}).get("name", "")


def current_values(seen: Any) -> dict[tuple[str, str], Any]:  # noqa: ANN401 - JSON
    """Give what a status' metrics are now, by kind and name; one without a value is not among them."""
    return {identity(metric): details(metric).get("current", {}) for metric in seen or () if details(metric)}


def _condition(said: Any) -> Condition:  # noqa: ANN401 - JSON
    since = said.get("lastTransitionTime")
    return Condition(
        said["type"],
        said["status"],
        said.get("reason", ""),
        said.get("message", ""),
        unix_seconds(since) if since else None,
    )


def _targets(wanted: Any, seen: Any) -> Iterator[Target]:  # noqa: ANN401 - JSON
    current = current_values(seen)
    for metric in wanted:
        found = details(metric)
        target, now = found["target"], current.get(identity(metric), {})
        if "averageUtilization" in target:
            yield Target(found["name"], now.get("averageUtilization"), target["averageUtilization"], "%")
            continue
        value = "averageValue" if "averageValue" in target else "value"
        name, unit = (found["name"], "each") if "name" in found else of_requests(found["metric"]["name"])
        yield Target(name, quantity(now.get(value)), quantity(target[value]) or 0.0, unit)
