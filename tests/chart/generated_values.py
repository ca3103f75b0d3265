"""Values that a user may give the chart, by its schema: blanks, words that YAML reads otherwise, odd objects."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.chart.conftest import CHART, EVERYTHING

# What YAML reads as something other than a string, or as more than one.
WORDS = [
    *("on", "off", "yes", "n", "true", "null", "~", "123", "012", "12e45", "1_000", "0x1F", "0o17", "1:30", "1.10"),
    *(".inf", ".nan", "2024-01-01", "a: b", "a #b", "- a", "{a}", "[a]", "&a", "*a", "!a", "%a", "@a", "`a`", "'a'"),
    *('"a"', "a\\b", "|", ">", "<<", " a ", "a\nb", "a\tb", "é", "ключ", "💥", "a" * 200, "${A}", "$(A)", "a,b", "<&>"),
]
RELEASES = ["users-api", "on", "null", "123", "12e45", "1.2", "a.b", "a--b", "x" * 53, "0x1f", "my-users-api-2"]
NAMESPACES = ["users-api", "1234", "12e45", "on", "null", "0x1f"]
LABELS = st.dictionaries(
    st.sampled_from(["team", "example.com/team", "on", "123", "app.kubernetes.io/part-of", "helm.sh/chart"]),
    st.sampled_from([None, "", "on", "123", "12e45", "a.b", "null", 12, 1.5, True, 1234567, "x" * 63]),
    max_size=4,
)
ANNOTATIONS = st.dictionaries(
    st.sampled_from(["prometheus.io/scrape", "example.com/a", "on", "123", "checksum/config"]),
    st.sampled_from([None, 12, 1.5, False, 12345678, *WORDS]),
    max_size=4,
)
# Parts of objects that Kubernetes takes, where the schema says little of their form.
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "affinity": st.sampled_from(
        [
            {"nodeAffinity": None},
            {"podAntiAffinity": {}},
            {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "on"}]}},
        ]
    ),
    "app.config": st.dictionaries(
        st.sampled_from(["TZ", "on", "123", "USERS_API_PORT"]),
        st.sampled_from([None, 1, True, *WORDS[:20]]),
        max_size=2,
    ),
    "auth.staticTokens": st.lists(
        st.fixed_dictionaries(
            {"subject": st.sampled_from(["ci", "on", "123", "é", 'a"b'])},
            optional={
                "token": st.sampled_from(["secret", "123", "on", "$(A)"]),
                "sha256": st.just("4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e"),
                "scopes": st.sampled_from([["users:read"], [], None]),
            },
        ),
        max_size=2,
    ),
    "autoscaling.requestRate.prometheus.triggerAuthentication": st.fixed_dictionaries(
        {}, optional={"name": st.sampled_from(["on", "123", None]), "kind": st.just("TriggerAuthentication")}
    ),
    "config.extra": st.dictionaries(
        st.sampled_from(["USERS_API_CACHE_TTL_SECONDS", "USERS_API_FAST_PATH_ENABLED", "USERS_API_REVISION", "OTHER"]),
        st.sampled_from(["30", "true", "", None]),
        max_size=2,
    ),
    "config.rateLimit.overrides": st.lists(
        st.fixed_dictionaries(
            {"requests": st.integers(1, 5), "window_seconds": st.integers(1, 60)},
            optional={"route": st.just("/api/users/{user_id}"), "subject": st.sampled_from(["on", "123", None])},
        ),
        max_size=2,
    ),
    "extraEnv": st.lists(
        st.fixed_dictionaries(
            {"name": st.sampled_from(["TZ", "ON", "USERS_API_SERVER_ID", "USERS_API_LOG_LEVEL", "y"])},
            optional={"value": st.sampled_from(["INFO", None, *WORDS[:20]])},
        ),
        max_size=4,
    ),
    "extraEnvFrom": st.sampled_from([[{"configMapRef": {"name": "123"}}], [None]]),
    "extraVolumeMounts": st.lists(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(["tmp", "more", "on"]),
                "mountPath": st.sampled_from(["/tmp", "/more", "/a b"]),  # noqa: S108 - in a pod
            },
            optional={"readOnly": st.booleans(), "subPath": st.just(None)},
        ),
        max_size=3,
    ),
    "extraVolumes": st.lists(
        st.fixed_dictionaries(
            {"name": st.sampled_from(["tmp", "more", "on"])}, optional={"emptyDir": st.sampled_from([None, {}])}
        ),
        max_size=3,
    ),
    "networkPolicy.extraEgress": st.sampled_from([[{"ports": [{"port": 5432}]}], [None], [{"to": None}]]),
    "postgresql.cloudnativepg.backup.configuration": st.sampled_from([{"destinationPath": "s3://on/"}, {}]),
    "postgresql.cloudnativepg.operatorFrom": st.sampled_from([[{"podSelector": {}}], [None]]),
    "postgresql.cloudnativepg.parameters": st.sampled_from([{"work_mem": "8MB", "jit": True}, {"a": None}]),
    "postgresql.pooler.affinity": st.sampled_from([{"nodeAffinity": None}, {}]),
    "redis.extraConfig": st.sampled_from(["", "io-threads 2\nhz 20", "# a: b"]),
    "enabled": st.none(),
    "redis.auth.username": st.sampled_from(["users-api", "on", "123", "12e45"]),
    "tolerations": st.lists(
        st.fixed_dictionaries(
            {"key": st.sampled_from(["on", "example.com/a"]), "operator": st.just("Exists")},
            optional={"effect": st.sampled_from(["NoSchedule", None])},
        ),
        max_size=2,
    ),
}
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["proxy", "on", "a1"]), "image": st.sampled_from(["proxy:1", "123"])},
        optional={
            "ports": st.sampled_from([None, *([{"name": "http", "containerPort": port}] for port in (8000, 9000))]),
            "env": st.sampled_from([None, [{"name": "A", "value": "on"}]]),
        },
    ),
    max_size=2,
)
PARENTS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["gateway", "on", "123"])},
        optional={"sectionName": st.sampled_from(["https", "on", None])},
    ),
    max_size=2,
    unique_by=json.dumps,
)
PEERS = st.sampled_from(
    [[{"podSelector": {}}], [{"namespaceSelector": {"matchLabels": {"a": "on"}}, "podSelector": None}], [None]]
)
PARTS["imagePullSecrets"] = st.lists(st.fixed_dictionaries({"name": st.sampled_from(["on", "123"])}), max_size=2)
PARTS["hostAliases"] = st.sampled_from([[{"ip": "10.0.0.1", "hostnames": ["on", "123"]}], [None]])
PARTS["extraObjects"] = st.sampled_from(
    [[{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {"a": "on"}}], [None]]
)
PARTS |= {"app.env": PARTS["extraEnv"], "app.envFrom": PARTS["extraEnvFrom"]}
PARTS |= dict.fromkeys(["initContainers", "sidecars"], CONTAINERS)
PARTS |= dict.fromkeys(["httpRoute.parentRefs", "httpRoute.redirectParentRefs"], PARENTS)
PARTS |= dict.fromkeys(["networkPolicy.ingressFrom", "networkPolicy.metricsFrom"], PEERS)
for _direction in ("scaleUp", "scaleDown"):
    PARTS[f"autoscaling.behavior.{_direction}"] = st.sampled_from(
        [
            {"policies": None},
            {"policies": [None, {"type": "Pods", "value": 2, "periodSeconds": 60}], "selectPolicy": None},
            {"tolerance": "0.05", "stabilizationWindowSeconds": 30},
            {"tolerance": None},
        ]
    )


@dataclass(frozen=True)
class Case:
    """One user's installation: the release's name, its namespace, and the values."""

    release: str
    namespace: str
    values: dict[str, Any]
    as_dependency: bool


def schema() -> dict[str, Any]:
    """The chart's own."""
    found: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return found


def places(part: dict[str, Any], path: str = "") -> dict[str, dict[str, Any]]:
    """Every section and value of a schema, by its path."""
    found = {}
    for name, below in part.get("properties", {}).items():
        inner = f"{path}.{name}".lstrip(".")
        if inner == "global":
            continue
        found[inner] = below
        if "default" not in below:
            found |= places(below, inner)
    return found


def drawn(path: str, part: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values for one place, which its schema takes."""
    if path in PARTS:
        return PARTS[path]
    if "default" not in part:
        return st.none()
    if "enum" in part:
        return st.sampled_from(part["enum"])
    return st.one_of([_of(kind, part, path) for kind in part["type"] if kind != "null"])


def _of(kind: str, part: dict[str, Any], path: str) -> st.SearchStrategy[Any]:
    match kind:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(part.get("minimum", 0), min(part.get("maximum", 10**7), 10**7))
        case "number":
            low = part.get("minimum", part.get("exclusiveMinimum", 0) + 0.01)
            high = part.get("maximum", part.get("exclusiveMaximum", 1000) - 0.01)
            return st.integers(math.ceil(low * 100), math.floor(high * 100)).map(lambda hundredths: hundredths / 100)
        case "array":
            integers = "integer" in part["items"]["type"]
            items = st.integers(1, 65535) if integers else _text(part["items"], path)
            return st.lists(items, min_size=part.get("minItems", 0), max_size=4)
        case "object":
            return _map(path)
        case _:
            return _text(part, path)


def _text(part: dict[str, Any], path: str) -> st.SearchStrategy[str]:
    pattern = part.get("pattern", "")
    known = [word for word in KNOWN.get(path, WORDS) if re.search(pattern, word)]
    if not pattern or path in KNOWN:
        return st.sampled_from(known or [""])
    made = st.from_regex(pattern, fullmatch=True, alphabet=st.characters(codec="ascii"))
    return st.one_of(made, st.sampled_from(known)) if known else made


def _map(path: str) -> st.SearchStrategy[Any]:
    if path.lower().endswith("labels") or path == "nodeSelector":
        return LABELS
    if path.lower().endswith("annotations"):
        return ANNOTATIONS
    if not path.endswith(("requests", "limits")):
        return st.just({})
    return st.dictionaries(
        st.sampled_from(["cpu", "memory", "ephemeral-storage"]),
        st.sampled_from([None, "250m", "128Mi", 1, 0.5, 2000000000, "1"]),
        max_size=3,
    )


# Where a drawn text would nearly always be refused, or where its form is not the chart's to check.
KNOWN = {
    "app.settings.prefix": ["USERS_API_"],
    "metrics.requests.query": ["", 'sum(rate(hits{ {{- include "users-api.podSelector" . -}} }[1m]))'],
    "service.loadBalancerSourceRanges": ["10.0.0.0/8", "fd00::/8"],
    "config.corsOrigins": ["https://app.example.com", "http://localhost:3000"],
    "config.trustedProxies": ["10.0.0.0/8", "10.244.1.1", "fd00::/8"],
    "auth.jwt.jwksUrl": ["", "https://issuer.example.com/keys", "http://[fd00::1]/k", "http://[fd00::1]:8080/k?a=b#c"],
    "tracing.endpoint": ["", "http://otel:4318", "http://[fd00::1]:4318"],
    "routing.hosts": ["users.example.com", "*.example.com", "123", "on", "a-b.c", "1.2.3.4"],
    "routing.paths": ["/", "/api", "/api: x", "/a//b", "/on", "/{a}", "/~a", "/%41", "/a #b", "/'\""],
    "redis.external.host": ["", "cache.example.com", "123", "on"],
    "config.extra": [],
    "postgresql.external.hosts": ["db.example.com", "on", "123", "[fd00::1]:5433"],
    "postgresql.external.replicas": ["replica.example.com", "10.0.0.1:70"],
    "postgresql.cloudnativepg.imageName": ["ghcr.io/cloudnative-pg/postgresql:17", "a@sha256:123"],
    "dashboards.exclude": ["redis", "slo", "on"],
}
OTHERWISE = EVERYTHING.with_name("values-otherwise.yaml")
FILES = (EVERYTHING, OTHERWISE, *sorted(CHART.glob("values-*.yaml")))
BASES: list[dict[str, Any]] = [
    {},
    *(yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES),
    {
        "config": {"environment": "staging"},
        "ingress": {"enabled": True},
        "httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]},
        "routing": {"tls": {"mode": "secret", "secretName": "123"}, "hosts": ["*.example.com", "on"]},
        "redis": {"enabled": False, "external": {"host": "a.example.com", "caSecret": "on", "existingSecret": "123"}},
        "metrics": {"serviceMonitor": {"enabled": True}},
        "prometheusRule": {"enabled": True},
        "autoscaling": {"engine": "none"},
    },
    {
        "config": {"environment": "development", "docsEnabled": False},
        "redis": {"enabled": False},
        "autoscaling": {"engine": "hpa", "requestRate": {"source": "customMetrics"}},
        "networkPolicy": {"enabled": False},
        "service": {"type": "NodePort"},
    },
]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Installations that differ from one of the usual ones in a few places."""
    values: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(BASES))))
    everywhere = places(schema())
    for path in draw(st.lists(st.sampled_from(sorted(everywhere)), max_size=8, unique=True)):
        part = everywhere[path]
        blank = st.sampled_from([None, ""]) if "string" in part["type"] else st.none()
        _put(values, path, draw(st.one_of(blank, drawn(path, part), drawn(path, part))))
    release, namespace = draw(st.sampled_from(RELEASES)), draw(st.sampled_from(NAMESPACES))
    return Case(release, namespace, values, draw(st.booleans()))


def _put(values: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        if not isinstance(values.get(parent), dict):
            values[parent] = {}
        values = values[parent]
    values[last] = value
