"""The request rate as the way in counts it, by promtool over series named as each controller names its own."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.conftest import APP, Render, find, run

GATEWAY = {"httpRoute.enabled": "true", "httpRoute.parentRefs[0].name": "gateway"}
INGRESS = {"ingress.enabled": "true"}
PROMETHEUS = {
    "fullnameOverride": "shop",
    "image.repository": "registry.example.com/shop",
    "image.tag": "1.2.3",
    "autoscaling.engine": "keda",
    "autoscaling.requestRate.from": "ingress",
    "autoscaling.requestRate.prometheus.url": "http://prometheus:9090",
}
# What each always has where it is scraped, its counter with the label of the status, and how the series of the release
# (its namespace is `users-api`) and of others are told apart.
SCRAPED = {
    "traefik": "traefik_config_reloads_total",
    "nginx": "nginx_ingress_controller_config_last_reload_successful",
    "envoy": "envoy_server_live",
}
COUNTERS = {
    "traefik": ("traefik_service_requests_total", "code"),
    "nginx": ("nginx_ingress_controller_requests", "status"),
    "envoy": ("envoy_cluster_upstream_rq", "envoy_response_code"),
}
NEW_GATEWAY = "httproute-users-api-{0}-gw-ingress-main-ep-web-0-0123456789abcdef-svc-users-api-{0}-0@kubernetesgateway"
WAYS: dict[str, tuple[str, dict[str, str], str, str]] = {
    "traefik-ingress": (
        "traefik",
        INGRESS,
        'service="users-api-shop-http@kubernetes"',
        'service="users-api-shop-api-http@kubernetes"',
    ),
    "traefik-nginx": (
        "traefik",
        INGRESS,
        'service="users-api-shop-http@kubernetesingressnginx"',
        'service="shop-http@kubernetesingressnginx"',
    ),
    "traefik-nginx-since-3.6": (
        "traefik",
        INGRESS,
        'service="users-api-shop-shop-http@kubernetesingressnginx"',
        'service="users-api-shop-api-shop-api-http@kubernetesingressnginx"',
    ),
    "traefik-gateway": (
        "traefik",
        GATEWAY,
        'service="users-api-shop-80@kubernetesgateway"',
        'service="users-api-shop-8080@kubernetesgateway"',
    ),
    "traefik-gateway-since-3.2": (
        "traefik",
        GATEWAY,
        'service="users-api-shop-http-80@kubernetesgateway"',
        'service="users-api-shop-http@kubernetes"',
    ),
    "traefik-gateway-since-3.7": (
        "traefik",
        GATEWAY,
        f'service="{NEW_GATEWAY.format("shop")}"',
        f'service="{NEW_GATEWAY.format("shop-api")}"',
    ),
    "nginx": (
        "nginx",
        INGRESS,
        'namespace="ingress",exported_namespace="users-api",ingress="shop"',
        'namespace="ingress",exported_namespace="north",ingress="shop"',
    ),
    "nginx-honouring-labels": (
        "nginx",
        INGRESS,
        'namespace="users-api",ingress="shop"',
        'namespace="users-api",ingress="shop-api"',
    ),
    "envoy": (
        "envoy",
        GATEWAY,
        'envoy_cluster_name="httproute/users-api/shop/rule/0"',
        'envoy_cluster_name="httproute/users-api/shop-api/rule/0"',
    ),
    "envoy-second-rule": (
        "envoy",
        GATEWAY,
        'envoy_cluster_name="httproute/users-api/shop/rule/1"',
        'envoy_cluster_name="httproute/north/shop/rule/1"',
    ),
    "envoy-by-contour": (
        "envoy",
        INGRESS,
        'envoy_cluster_name="users-api_shop_80"',
        'envoy_cluster_name="users-api_shop-api_80"',
    ),
    "envoy-merged": (
        "envoy",
        GATEWAY,
        'envoy_cluster_name="service/users-api/shop/80"',
        'envoy_cluster_name="service/users-api/shop/8080"',
    ),
}


def _query(render: Render, **settings: str) -> str:
    triggers = find(render(APP, **PROMETHEUS, **settings), "ScaledObject", "shop")["spec"]["triggers"]
    return str(triggers[1]["metadata"]["query"])


def _ask(query: str, folder: Path, series: Iterable[tuple[str, str]], answer: list[float]) -> None:
    """Have promtool ask it of series, of which there is a sample each second for two minutes."""
    told = [{"series": name, "values": values} for name, values in series]
    samples = [{"labels": "{}", "value": value} for value in answer]
    asked = {"expr": query, "eval_time": "2m", "exp_samples": samples}
    test = {"interval": "1s", "input_series": told, "promql_expr_test": [asked]}
    (folder / "test.yaml").write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}), encoding="utf-8")
    run("promtool", "test", "rules", folder / "test.yaml")


@pytest.mark.parametrize("way", WAYS)
def test_the_rate_is_of_the_release_over_all_controllers(render: Render, tmp_path: Path, way: str) -> None:
    """What two controllers count is added up, without what is refused and without what leads to another's pods."""
    controller, settings, own, other = WAYS[way]
    counter, status = COUNTERS[controller]
    query = _query(render, **settings, **{"autoscaling.requestRate.ingress.controller": controller})
    counted = [
        (f'{counter}{{pod="one",{own},{status}="200"}}', "0+3x120"),
        (f'{counter}{{pod="two",{own},{status}="200"}}', "0+4x120"),
        (f'{counter}{{pod="two",{own},{status}="500"}}', "0+1x120"),
        (f'{counter}{{pod="two",{own},{status}="429"}}', "0+16x120"),
        (f'{counter}{{pod="one",{other},{status}="200"}}', "0+32x120"),
        (f'{SCRAPED[controller]}{{pod="one"}}', "1x120"),
    ]
    _ask(query, tmp_path, counted, [8])
    all_statuses = _query(
        render,
        **settings,
        **{
            "autoscaling.requestRate.ingress.controller": controller,
            "autoscaling.requestRate.excludedStatuses": "null",
        },
    )
    _ask(all_statuses, tmp_path, counted, [24])


@pytest.mark.parametrize("controller", SCRAPED)
def test_no_answer_is_no_zero(render: Render, tmp_path: Path, controller: str) -> None:
    """A controller that was asked nothing yet makes 0; one that is not scraped makes no answer."""
    query = _query(render, **INGRESS, **{"autoscaling.requestRate.ingress.controller": controller})
    _ask(query, tmp_path, [(f'{SCRAPED[controller]}{{pod="one"}}', "1x120")], [0])
    _ask(query, tmp_path, [], [])


def test_both_ways_through_traefik_are_added_up(render: Render, tmp_path: Path) -> None:
    """With an Ingress and an HTTPRoute the rate is of both."""
    query = _query(render, **INGRESS, **GATEWAY, **{"autoscaling.requestRate.ingress.controller": "traefik"})
    counted = [
        (f'{COUNTERS["traefik"][0]}{{{WAYS[way][2]},code="200"}}', "0+2x120")
        for way in ("traefik-nginx-since-3.6", "traefik-gateway-since-3.7")
    ]
    _ask(query, tmp_path, counted, [4])


@pytest.mark.parametrize(
    ("way", "described"),
    [
        (INGRESS, {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "shop"}),
        (GATEWAY, {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "name": "shop"}),
    ],
    ids=["ingress", "gateway"],
)
def test_an_hpa_asks_for_the_rate_of_what_counts(
    render: Render, way: dict[str, str], described: dict[str, Any]
) -> None:
    """By an adapter it is a metric of the Ingress or of the HTTPRoute, which all replicas share."""
    settings = {**PROMETHEUS, "autoscaling.engine": "hpa", "autoscaling.requestRate.source": "customMetrics"}
    metric = find(render(APP, **settings, **way), "HorizontalPodAutoscaler", "shop")["spec"]["metrics"][1]
    assert metric == {
        "type": "Object",
        "object": {
            "describedObject": described,
            "metric": {"name": "http_requests_per_second"},
            "target": {"type": "AverageValue", "averageValue": "100"},
        },
    }
