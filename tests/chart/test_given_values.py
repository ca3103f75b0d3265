"""Values that users have reported: right by both Helms, or refused by name."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.conftest import Render, find, run
from tests.chart.generated_values import Case, schema
from tests.chart.rendering import check, rendered

BLANK = {place: None for place in schema()["properties"] if place not in {"global", "resources"}}


@pytest.mark.parametrize("as_dependency", [False, True])
@pytest.mark.parametrize(
    ("release", "namespace", "values"),
    [
        ("on", "1234", {"nameOverride": "on", "serviceAccount": {"name": "123"}}),
        ("123", "12e45", {"priorityClassName": "12e45", "imagePullSecrets": [{"name": "1"}]}),
        ("null", "on", {"commonLabels": {"build": 12, "app.kubernetes.io/version": "1"}, "podLabels": {"build": True}}),
        ("1.2", "a", {"podAnnotations": {"prometheus.io/scrape": False, "a": "a: b"}}),
        ("a", "a", {"ingress": {"enabled": True, "className": "", "annotations": {"a": None, "b": 1}}}),
        ("a", "a", {"extraEnv": [{"name": "USERS_API_SERVER_ID", "value": "on"}]}),
        ("a", "a", {"extraVolumes": [{"name": "tmp", "emptyDir": None}]}),
        ("a", "a", {"nameOverride": "n" * 60}),
        (
            "a",
            "a",
            {
                "ingress": {"enabled": True, "validate": False},
                "routing": {"paths": ["/api: x", "/'"], "hosts": ["*.a.b", "123"]},
            },
        ),
        ("a", "a", {"auth": {"jwt": {"jwksUrl": "http://[fd00::1]/k"}}, "redis": {"image": {"tag": ""}}}),
        ("a", "a", {"sidecars": [{"name": "p", "ports": [{"name": "http", "containerPort": 9000}]}, None]}),
        ("a", "a", {"runAsUser": 1000660000, "probes": {"startup": None}, "resources": {"limits": None}}),
        ("a", "a", BLANK),
    ],
)
def test_what_users_report_renders(
    charts: tuple[Path, Path], release: str, namespace: str, values: dict[str, Any], *, as_dependency: bool
) -> None:
    """Words that YAML reads otherwise, labels and names given twice, and blanks are rendered right by both Helms."""
    case = Case(release, namespace, values, as_dependency)
    three, four = (rendered(helm, case, charts[as_dependency]) for helm in ("helm", "helm4"))
    assert three == four
    assert three is not None
    check(three)


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"sidecars": [{"name": "p", "ports": [{"containerPort": 8000}]}]}, "has port 8000, where the service listens"),
        ({"extraVolumes": [{"name": "a"}, {"name": "a"}]}, "extraVolumes has a twice: keep one"),
        ({"extraVolumeMounts": [{"name": "a", "mountPath": "/a"}]}, "no volume is called so: add it to extraVolumes"),
        ({"extraEnv": [{"name": "A", "value": "b", "valueFrom": {"a": {}}}]}, "by value and by valueFrom"),
        ({"resources": None}, "set resources.requests.cpu"),
        ({"routing": {"hosts": ["10.0.0.1"]}}, "take names, not addresses"),
        ({"routing": {"paths": ["/a//b"]}}, "a path prefix has no"),
        ({"tracing": {"endpoint": "http://otel:70000"}}, "names port 70000: a port is 1 to 65535"),
        ({"networkPolicy": {"dnsPorts": []}}, "/networkPolicy/dnsPorts"),
        ({"commonLabels": {"a": "not a label"}}, "/commonLabels/a"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(helm: str, values: dict[str, Any], remedy: str) -> None:
    """What Kubernetes would refuse, or what would take traffic away, is named with what to do."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(values, file)
        file.flush()
        done = run(helm, "template", "users-api", "chart", f"--values={file.name}", check=False)
    assert done.returncode
    assert remedy in done.stderr


def test_hosts_with_wildcards_are_escaped_in_rules(render: Render, tmp_path: Path) -> None:
    """Prometheus takes the rules of a certificate whose names have dots and stars, and of one without names."""
    for hosts in ({"routing.hosts[0]": "*.example.com", "routing.hosts[1]": "a.b"}, {}):
        tls = {"routing.tls.mode": "secret", "routing.tls.secretName": "tls", "prometheusRule.enabled": "true"}
        route = {"httpRoute.enabled": "true", "httpRoute.parentRefs[0].name": "gateway"}
        rule = find(render(**tls, **route, **hosts), "PrometheusRule")
        (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": rule["spec"]["groups"]}))
        run("promtool", "check", "rules", tmp_path / "rules.yaml")
