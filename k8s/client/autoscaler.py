from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k8s.client.notation import quantity


@dataclass(frozen=True)
class Autoscaler:
    """What a HorizontalPodAutoscaler has decided, and what it sees."""

    name: str
    minimum: int
    maximum: int
    desired: int
    current: int
    cpu_percent: int | None
    """Of the request; None: it does not know."""
    request_rate: float | None
    """Requests a second and replica; None: it does not know."""
    conditions: Mapping[str, tuple[str, str]]
    """Status and reason by type: ScalingActive, AbleToScale, ScalingLimited."""


def scales(hpa: Any, deployment: str) -> bool:  # noqa: ANN401 - JSON
    """Whether it is this Deployment that it scales."""
    target = hpa["spec"]["scaleTargetRef"]
    return (target["kind"], target["name"]) == ("Deployment", deployment)


def read_autoscaler(hpa: Any) -> Autoscaler:  # noqa: ANN401 - JSON
    """Make one of what the API server says."""
    spec, status = hpa["spec"], hpa.get("status", {})
    cpu: int | None = None
    rate: float | None = None
    for metric in status.get("currentMetrics") or ():
        match metric["type"]:
            case "Resource" if metric["resource"]["name"] == "cpu":
                cpu = metric["resource"]["current"].get("averageUtilization")
            case "ContainerResource" if metric["containerResource"]["name"] == "cpu":
                cpu = metric["containerResource"]["current"].get("averageUtilization")
            case "External" | "Pods":
                rate = quantity(metric[metric["type"].lower()]["current"].get("averageValue"))
    return Autoscaler(
        name=hpa["metadata"]["name"],
        minimum=spec.get("minReplicas", 1),
        maximum=spec["maxReplicas"],
        desired=status.get("desiredReplicas", 0),
        current=status.get("currentReplicas", 0),
        cpu_percent=cpu,
        request_rate=rate,
        conditions={each["type"]: (each["status"], each["reason"]) for each in status.get("conditions") or ()},
    )
