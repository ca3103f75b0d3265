from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "chart"
DEFAULTS = "chart"


@dataclass(frozen=True)
class Setting:
    """One way to set the autoscaler.

    Attributes:
        name: one word or two with a hyphen, part of the names of Deployments.
        title: for a person.
        behavior: of the HPA, in simulated seconds.
        target_percent: of a pod's capacity, wanted on average; holds for CPU and request rate alike.
        window_seconds: that the request rate is taken over.
        scrape_seconds: between two looks at a pod's counters.
    """

    name: str
    title: str
    behavior: Mapping[str, Any]
    target_percent: float
    window_seconds: int
    scrape_seconds: int


def settings(kubernetes: Mapping[str, Any]) -> list[Setting]:
    """Give the compared settings; `kubernetes` is the behavior that an API server fills in where there is none."""
    chart, kind = values(), values("values-kind.yaml")
    mine = chart["autoscaling"]["behavior"]
    percent = chart["autoscaling"]["cpu"]["targetUtilizationPercent"]
    metrics = chart["autoscaling"]["requestRate"]["windowSeconds"], chart["metrics"]["scrapeIntervalSeconds"]
    quick = kind["autoscaling"]["requestRate"]["windowSeconds"], kind["metrics"]["scrapeIntervalSeconds"]
    kinds = {**mine, **kind["autoscaling"]["behavior"]}
    return [
        Setting("kubernetes", "Kubernetes' behavior", kubernetes, percent, *metrics),
        Setting(DEFAULTS, "the chart's defaults", mine, percent, *metrics),
        Setting("kind", "values-kind.yaml", kinds, kind["autoscaling"]["cpu"]["targetUtilizationPercent"], *quick),
        Setting("conservative", "conservative behavior", _CONSERVATIVE, percent, *metrics),
        Setting("aggressive", "aggressive behavior", _AGGRESSIVE, percent, *metrics),
        Setting("eager", "chart, up tenfold at once", {**mine, "scaleUp": _TENFOLD}, percent, *metrics),
        Setting("headroom", "chart, target 50 %", mine, 50, *metrics),
        Setting("tight", "chart, target 80 %", mine, 80, *metrics),
        Setting("fast-metrics", f"chart, metrics of {quick[0]} s", mine, percent, *quick),
    ]


def values(*overlays: str) -> dict[str, Any]:
    """Read the chart's values, with the named files of the chart laid over them."""
    merged = _read("values.yaml")
    for overlay in overlays:
        _lay_over(merged, _read(overlay))
    return merged


def _read(name: str) -> dict[str, Any]:
    """Return what a file has; by the loader in C, as that in Python takes twenty times as long."""
    values: dict[str, Any] = yaml.load((CHART / name).read_text(encoding="utf-8"), yaml.CSafeLoader)
    return values


def _lay_over(values: dict[str, Any], overlay: dict[str, Any]) -> None:
    for name, value in overlay.items():
        if isinstance(value, dict) and isinstance(values.get(name), dict):
            _lay_over(values[name], value)
        else:
            values[name] = value


_CONSERVATIVE = {
    "scaleUp": {
        "stabilizationWindowSeconds": 60,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Percent", "value": 50, "periodSeconds": 60},
            {"type": "Pods", "value": 2, "periodSeconds": 60},
        ],
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 600,
        "selectPolicy": "Max",
        "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}],
    },
}
_TENFOLD = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 900, "periodSeconds": 15}],
}
_AGGRESSIVE = {
    "scaleUp": _TENFOLD,
    "scaleDown": {
        "stabilizationWindowSeconds": 60,
        "selectPolicy": "Max",
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    },
}
