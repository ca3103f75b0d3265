"""Alerts on an application that is not the users API, by promtool over series named as each controller names them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.conftest import APP, Manifest, Render, find, run
from tests.chart.test_ingress_rate import COUNTERS, PROMETHEUS, SCRAPED, WAYS

SETTINGS = {**PROMETHEUS, "nameOverride": "shop", "prometheusRule.enabled": "true"}
# The histogram of each, and how it writes the edge of a tenth of a second.
TIMES = {
    "traefik": ("traefik_service_request_duration_seconds", "0.1"),
    "nginx": ("nginx_ingress_controller_request_duration_seconds", "0.1"),
    "envoy": ("envoy_cluster_upstream_rq_time", "100"),
}


def _groups(render: Render, controller: str, **settings: str) -> list[Manifest]:
    named = {"autoscaling.requestRate.ingress.controller": controller}
    rule = find(render(APP, **SETTINGS, **named, **settings), "PrometheusRule", "shop")
    groups: list[Manifest] = rule["spec"]["groups"]
    return groups


def _series(controller: str, labels: str, *, failed: int, fast: int, edge: str = "") -> list[dict[str, str]]:
    """Requests of which 600 a minute are answered, so many of them fast, and others fail."""
    counter, status = COUNTERS[controller]
    times, own_edge = TIMES[controller]
    return [
        {"series": f'{counter}{{{labels},{status}="200"}}', "values": "0+600x180"},
        {"series": f'{counter}{{{labels},{status}="502"}}', "values": f"0+{failed}x180"},
        {"series": f"{times}_count{{{labels}}}", "values": "0+600x180"},
        {"series": f'{times}_bucket{{{labels},le="{edge or own_edge}"}}', "values": f"0+{fast}x180"},
    ]


def _firing(groups: list[Manifest], series: list[dict[str, str]], expected: dict[str, str], folder: Path) -> None:
    """Have promtool find each of these alerts firing with its description; where that is empty, silent."""
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    annotations = {rule["alert"]: rule["annotations"] for group in groups for rule in group["rules"] if "alert" in rule}
    severity = {
        rule["alert"]: rule["labels"]["severity"] for group in groups for rule in group["rules"] if "alert" in rule
    }
    cases: list[dict[str, Any]] = [
        {
            "eval_time": "90m",
            "alertname": alert,
            "exp_alerts": [
                {
                    "exp_labels": {
                        "severity": severity[alert],
                        "service": "shop",
                        "namespace": "users-api",
                        **({"release": "users-api"} if "Burns" in alert else {}),
                    },
                    "exp_annotations": {**annotations[alert], "description": description},
                }
            ]
            if description
            else [],
        }
        for alert, description in expected.items()
    ]
    test = {"interval": "1m", "input_series": series, "alert_rule_test": cases}
    whole = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "tests.yaml").write_text(yaml.safe_dump(whole))
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", folder / "rules.yaml")
    run("promtool", "test", "rules", folder / "tests.yaml")


@pytest.mark.parametrize("name", WAYS)
def test_what_the_controller_counts_of_the_release_alone_is_told(render: Render, tmp_path: Path, name: str) -> None:
    """Its failures and slow answers fire, by the shares that the controller counts; others' change nothing."""
    controller, way, own, other = WAYS[name]
    series = [
        *_series(controller, own, failed=12, fast=480),
        *_series(controller, other, failed=600, fast=0),
        {"series": f'{SCRAPED[controller]}{{pod="one"}}', "values": "1x180"},
    ]
    expected = {
        "ShopErrorBudgetBurnsFast": "1.961% of requests fail; the target is 99.9 % without a 5xx.",
        "ShopLatencyBudgetBurnsFast": "19.61% of requests take longer than 0.1 s; the target is 99 % within it.",
        "ShopLatencyUnknown": "",
        "ShopRequestsStopped": "",
        "ShopControllerNotScraped": "",
    }
    _firing(_groups(render, controller, **way), series, expected, tmp_path)


@pytest.mark.parametrize("controller", COUNTERS)
def test_a_time_that_the_controller_has_no_edge_of_is_told(render: Render, tmp_path: Path, controller: str) -> None:
    """With buckets of other edges no alert on latency fires, and one says so."""
    way, own = next((way, own) for of, way, own, _ in WAYS.values() if of == controller)
    times, edge = TIMES[controller]
    expected = {
        "ShopLatencyBudgetBurnsFast": "",
        "ShopLatencyUnknown": f"No bucket of {times} ends at 0.1 s, so no alert on latency can fire.",
    }
    series = _series(controller, own, failed=0, fast=0, edge=f"{edge}3")
    _firing(_groups(render, controller, **way), series, expected, tmp_path)


@pytest.mark.parametrize("controller", COUNTERS)
def test_a_controller_that_is_not_scraped_is_told(render: Render, tmp_path: Path, controller: str) -> None:
    """Without a series of the controller's nothing is known, and one alert says so."""
    way = next(way for of, way, *_ in WAYS.values() if of == controller)
    unknown = "Requests, failures and times are unknown: to other alerts, and to an autoscaler that follows them."
    expected = {"ShopControllerNotScraped": unknown, "ShopErrorBudgetBurnsFast": "", "ShopRequestsStopped": ""}
    _firing(_groups(render, controller, **way), [], expected, tmp_path)


@pytest.mark.parametrize("written", ["1", "1.0"])
def test_a_whole_second_is_found_however_it_is_written(render: Render, tmp_path: Path, written: str) -> None:
    """Go's clients write the edge of a second without a point, Python's and Prometheus from 3.0 on with one."""
    way, own = next((way, own) for of, way, own, _ in WAYS.values() if of == "traefik")
    late = "19.61% of requests take longer than 1 s; the target is 99 % within it."
    groups = _groups(render, "traefik", **way, **{"prometheusRule.latencySeconds": "1"})
    series = _series("traefik", own, failed=12, fast=480, edge=written)
    _firing(groups, series, {"ShopLatencyBudgetBurnsFast": late, "ShopLatencyUnknown": ""}, tmp_path)
