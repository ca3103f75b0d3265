"""The chart with an application that knows nothing of it: an image with one route and a health route."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.conftest import APP, CHART, KUBERNETES, Manifest, find, rendering, run
from tests.chart.test_schemas import conform

SHOP = """
nameOverride: shop
image: { repository: registry.example.com/shop, tag: 1.2.3 }
app:
  command: [/shop]
  args: [--listen, ":9000"]
  port: 9000
  env: [{ name: GREETING, value: hello }]
  envFrom: [{ secretRef: { name: shop-keys } }]
  config: { SHOP_SIZE: 3 }
probes:
  startup: { path: /healthz }
  liveness: { path: /healthz }
  readiness: { path: "/healthz?ready=1" }
ingress: { enabled: true }
"""
KEDA: dict[str, Any] = {"engine": "keda", "requestRate": {"prometheus": {"url": "http://prometheus:9090"}}}
ALL_COUNT = {**KEDA, "requestRate": {**KEDA["requestRate"], "excludedStatuses": []}}
OF_INGRESS = {**KEDA["requestRate"], "from": "ingress", "ingress": {"controller": "traefik"}}
COUNTED: dict[str, Any] = {
    "enabled": True,
    "path": "/stats",
    "requests": {"counter": "shop_requests_total", "statusLabel": "code"},
}
RULE: dict[str, Any] = {"enabled": True, "runbookUrl": "https://wiki.example.com"}
WAYS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "counter": {"autoscaling": KEDA, "metrics": COUNTED},
    "without-statuses": {"autoscaling": ALL_COUNT, "metrics": {"enabled": True}},
    "query": {
        "autoscaling": KEDA,
        "metrics": {"requests": {"query": 'sum(rate(hits{ {{- include "users-api.podSelector" . -}} }[1m]))'}},
    },
    "ingress-rate": {"autoscaling": {**KEDA, "requestRate": OF_INGRESS}},
    "ingress-rate-by-adapter": {"autoscaling": {"requestRate": {"source": "customMetrics", "from": "ingress"}}},
    "service-monitor": {"metrics": {**COUNTED, "serviceMonitor": {"enabled": True}}},
    "pod-monitor": {"metrics": {**COUNTED, "podMonitor": {"enabled": True}}},
    "http-route": {"httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]}, "ingress": {"enabled": False}},
    "alerts-of-the-way-in": {"autoscaling": {"requestRate": OF_INGRESS}, "prometheusRule": RULE},
    "alerts-of-its-counter": {
        "metrics": {**COUNTED, "requests": {**COUNTED["requests"], "histogram": "shop_seconds"}},
        "prometheusRule": {**RULE, "from": "app", "latencySeconds": 0.3},
    },
    "dashboards": {"autoscaling": {"requestRate": OF_INGRESS}, "dashboards": {"enabled": True}},
    "dashboards-of-kubernetes": {
        "autoscaling": {"requestRate": {**OF_INGRESS, "ingress": {"controller": "envoy"}}},
        "ingress": {"enabled": False},
        "httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]},
        "dashboards": {"enabled": True},
        "prometheusRule": {"from": "none"},
    },
    "dashboards-of-the-library": {
        "metrics": {"enabled": True, "library": "fleet"},
        "dashboards": {"enabled": True, "exclude": ["ingress-nginx"]},
        "extraEnvFrom": [{"secretRef": {"name": "shop-database"}}],
    },
    "alerts-without-times": {"metrics": COUNTED, "prometheusRule": {**RULE, "from": "app"}},
    "alerts-of-kubernetes": {"prometheusRule": {**RULE, "from": "none"}},
    "alerts-of-the-library": {
        "metrics": {"enabled": True, "library": "fleet", "requests": {"histogram": "http_request_duration_seconds"}},
        "prometheusRule": {**RULE, "from": "app"},
    },
    "own-redis": {"redis": {"enabled": True, "auth": {"existingSecret": "shop-redis"}}},
}


def _rendered(folder: Path, values: dict[str, Any]) -> str:
    shop, more = folder / "shop.yaml", folder / "more.yaml"
    shop.write_text(SHOP, encoding="utf-8")
    more.write_text(yaml.safe_dump(values), encoding="utf-8")
    files = [f"--values={path}" for path in (APP, shop, more)]
    return run("helm", "template", "shop", "chart", "--namespace=north", "--kube-version", KUBERNETES, *files).stdout


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Manifest]]:
    """What is rendered for each way to scale, scrape and reach it."""
    return {
        way: [manifest for manifest in yaml.safe_load_all(_rendered(tmp_path_factory.mktemp(way), values)) if manifest]
        for way, values in WAYS.items()
    }


def test_no_object_names_the_users_api(objects: dict[str, list[Manifest]]) -> None:
    """Nothing that is rendered has "users" in it but Redis, whose own word it is, and each API takes its objects."""
    for way, manifests in objects.items():
        named = re.findall("users.?api" if way == "own-redis" else "users", json.dumps(manifests), re.IGNORECASE)
        assert not named, way
    passes, said = conform(*[manifest for manifests in objects.values() for manifest in manifests])
    assert passes, said


def test_the_pods_run_and_are_asked_as_the_image_wants_it(objects: dict[str, list[Manifest]]) -> None:
    """Command, arguments, port, environment and probes are the application's own; nothing else is set."""
    manifests = objects["cpu"]
    pod = find(manifests, "Deployment", "shop")["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["image"] == "registry.example.com/shop:1.2.3"
    assert (container["command"], container["args"]) == (["/shop"], ["--listen", ":9000"])
    assert container["ports"] == [{"name": "http", "containerPort": 9000, "protocol": "TCP"}]
    assert container["env"] == [{"name": "GREETING", "value": "hello"}]
    assert container["envFrom"] == [{"configMapRef": {"name": "shop"}}, {"secretRef": {"name": "shop-keys"}}]
    assert find(manifests, "ConfigMap", "shop")["data"] == {"SHOP_SIZE": "3"}
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/healthz?ready=1"}
    assert not [key for key in pod["metadata"]["annotations"] if key.startswith("prometheus.io/")]


def test_what_leads_to_the_pods_has_their_port(objects: dict[str, list[Manifest]]) -> None:
    """Service and NetworkPolicy lead to the application's port, for the ingress controller and for Prometheus."""
    manifests = objects["cpu"]
    assert find(manifests, "Service", "shop")["spec"]["ports"][0]["targetPort"] == 9000
    ingress = find(manifests, "NetworkPolicy", "shop")["spec"]["ingress"]
    assert [rule["ports"] for rule in ingress] == [[{"port": 9000, "protocol": "TCP"}]] * 2
    assert {manifest["kind"] for manifest in manifests} == {
        *("ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "NetworkPolicy"),
        *("PodDisruptionBudget", "Service", "ServiceAccount"),
    }


@pytest.mark.parametrize(
    ("way", "query"),
    [
        ("counter", 'sum(rate(shop_requests_total{PODS,code!~"401|403|429"}[60s])) or sum(0 * (up{PODS} == 1))'),
        ("without-statuses", "sum(rate(http_requests_total{PODS}[60s])) or sum(0 * (up{PODS} == 1))"),
        ("query", "sum(rate(hits{PODS}[1m]))"),
    ],
)
def test_the_request_rate_is_made_of_what_it_counts(objects: dict[str, list[Manifest]], way: str, query: str) -> None:
    """KEDA asks for the application's own counter, or what the values say to ask for."""
    triggers = find(objects[way], "ScaledObject", "shop")["spec"]["triggers"]
    pods = 'namespace="north",pod=~"shop-[a-z0-9]+-[a-z0-9]{5}"'
    assert triggers[1]["metadata"]["query"] == query.replace("PODS", pods)


def test_it_is_scraped_where_it_says(objects: dict[str, list[Manifest]]) -> None:
    """Annotations and both monitors have the application's port and path."""
    annotations = find(objects["counter"], "Deployment", "shop")["spec"]["template"]["metadata"]["annotations"]
    assert (annotations["prometheus.io/port"], annotations["prometheus.io/path"]) == ("9000", "/stats")
    (endpoint,) = find(objects["service-monitor"], "ServiceMonitor", "shop")["spec"]["endpoints"]
    (pod_endpoint,) = find(objects["pod-monitor"], "PodMonitor", "shop")["spec"]["podMetricsEndpoints"]
    assert endpoint["path"] == pod_endpoint["path"] == "/stats"


OF_KUBERNETES = {
    *("ShopAtMaxReplicas", "ShopScalingInactive", "ShopReplicasNotSpread", "ShopNoReplica", "ShopReplicasMissing"),
    *("ShopRolloutStuck", "ShopReplicaRestarts", "ShopOutOfMemory"),
}
OF_REQUESTS = {"ShopErrorBudgetBurnsFast", "ShopErrorBudgetBurnsSlowly", "ShopRequestsStopped"}
OF_TIMES = {"ShopLatencyBudgetBurnsFast", "ShopLatencyBudgetBurnsSlowly", "ShopLatencyUnknown"}


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("alerts-of-kubernetes", set()),
        ("alerts-of-the-way-in", OF_REQUESTS | OF_TIMES | {"ShopControllerNotScraped"}),
        ("alerts-of-its-counter", OF_REQUESTS | OF_TIMES | {"ShopNotScraped"}),
        ("alerts-without-times", OF_REQUESTS | {"ShopNotScraped"}),
        ("alerts-of-the-library", OF_REQUESTS | OF_TIMES | {"ShopNotScraped", "ShopBackgroundWorkFails"}),
    ],
)
def test_alerts_are_those_that_can_be_told(objects: dict[str, list[Manifest]], way: str, told: set[str]) -> None:
    """Beside those on Kubernetes' objects there are those on what the values name to count, and no others."""
    groups = find(objects[way], "PrometheusRule", "shop")["spec"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["alert"] for rule in rules if "alert" in rule} == OF_KUBERNETES | told
    assert any("slow" in rule.get("record", "") for rule in rules) == (told >= OF_TIMES)


@pytest.mark.parametrize(
    ("way", "shown"),
    [
        ("dashboards", {"autoscaling", "ingress-traefik", "slo"}),
        ("dashboards-of-kubernetes", {"autoscaling"}),
        (
            "dashboards-of-the-library",
            {"autoscaling", "cache-and-limiter", "ingress-contour", "ingress-traefik", "service", "slo"},
        ),
    ],
)
def test_dashboards_are_those_that_show_something(
    objects: dict[str, list[Manifest]], way: str, shown: set[str]
) -> None:
    """Each is of what the values say is there, under the application's name, by its library's metrics."""
    prefix = "shop-dashboard-"
    pages = {
        manifest["metadata"]["name"].removeprefix(prefix): json.loads(*manifest["data"].values())
        for manifest in objects[way]
        if manifest["metadata"]["name"].startswith(prefix)
    }
    assert set(pages) == shown
    for slug, page in pages.items():
        assert page["uid"] == f"shop-{slug}"
        assert page["title"].startswith("shop / ")
        assert page["tags"] == page["links"][0]["tags"] == ["shop"]
    metrics = set(re.findall(r"fleet_\w+", json.dumps(pages)))
    assert ("fleet_cache_requests_total" in metrics) == ("cache-and-limiter" in shown)


def test_failures_and_times_are_made_of_what_it_counts(objects: dict[str, list[Manifest]]) -> None:
    """The recorded series are of the application's own counter, its status, and its histogram."""
    groups = find(objects["alerts-of-its-counter"], "PrometheusRule", "shop")["spec"]["groups"]
    records = {rule["record"]: rule["expr"] for rule in groups[0]["rules"] if "record" in rule}
    pods = 'namespace="north",pod=~"shop-[a-z0-9]+-[a-z0-9]{5}"'
    failed = f'sum(rate(shop_requests_total{{{pods},code=~"5.."}}[5m])) or vector(0)'
    assert records["release:http_error:rate5m"] == failed
    fast = f'sum(rate(shop_seconds_bucket{{{pods},le="0.3"}}[5m]))'
    assert records["release:http_slow:rate5m"] == f"sum(rate(shop_seconds_count{{{pods}}}[5m])) - {fast}"


def _of_the_defaults(part: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _of_the_defaults(value, defaults[key]) if isinstance(value, dict) else defaults[key]
        for key, value in part.items()
    }


def test_its_values_are_taken_as_they_are(helm: str) -> None:
    """`helm lint --strict` passes with values-app.yaml alone."""
    run(helm, "lint", "--strict", "--kube-version", KUBERNETES, "chart", f"--values={APP}")


def test_the_users_api_is_a_default_of_values_alone(helm: str, tmp_path: Path) -> None:
    """With the defaults of the values that values-app.yaml sets, the rendering is the default one, byte for byte."""
    app, defaults = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (APP, CHART / "values.yaml"))
    restored = tmp_path / "restored.yaml"
    restored.write_text(yaml.safe_dump(_of_the_defaults(app, defaults)), encoding="utf-8")
    assert rendering(helm, [APP, restored], {}) == rendering(helm, [], {})
