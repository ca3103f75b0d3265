import json
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.chart.conftest import APP, CHART, EVERYTHING, VALUES, Manifest, Render, find, run, template


def conform(*manifests: Manifest) -> tuple[bool, str]:
    """Hold manifests to the schemas of the cluster and its operators: whether they pass, and what kubeconform said."""
    tool = shutil.which("kubeconform")
    assert tool, "kubeconform is not on PATH: run `make tools`, and the tests by `make chart`"
    schemas = Path(tool).parent / "schemas"
    # As JSON: PyYAML writes the string 12e45 without quotes, which kubeconform reads as a number.
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("\n---\n".join(map(json.dumps, manifests)))
        file.flush()
        pattern = f"{schemas}/{{{{.ResourceKind}}}}-{{{{.Group}}}}-{{{{.ResourceAPIVersion}}}}.json"
        # One worker: several compile the same schemas at once.
        options = ("-strict", "-summary", "-n", "1", "-schema-location", pattern)
        done = run("kubeconform", *options, file.name, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def test_objects_are_what_their_apis_take(values: list[Path]) -> None:
    """Each object, custom ones included, has the fields and types of the pinned cluster's OpenAPI and of its CRD."""
    manifests = template("helm", values, {})
    passes, said = conform(*manifests)
    assert passes, said
    assert f"Valid: {len(manifests)}," in said


@pytest.mark.parametrize(
    ("kind", "path", "value", "named"),
    [
        ("Deployment", "spec.strategy.rollingUpdate.maxSurgee", 1, "maxSurgee"),
        ("Deployment", "spec.template.spec.containers", "api", "got string, want array"),
        ("Service", "spec.ports", [{"port": "eighty"}], "got string, want integer"),
        ("Ingress", "spec.rules", [{"http": {"path": []}}], "path"),
        ("HTTPRoute", "spec.rules", [{"backendRef": []}], "backendRef"),
        ("Middleware", "spec.retry.tries", 3, "tries"),
        ("ScaledObject", "spec.pollingInterval", "often", "got string, want integer"),
        ("PodMonitor", "spec.podMetricsEndpoint", [], "podMetricsEndpoint"),
        ("PrometheusRule", "spec.groups", [{"name": "a", "rule": []}], "rule"),
        ("Certificate", "spec.privateKey.algorithm", "DSA", "one of"),
        ("Issuer", "spec.selfSign", {}, "selfSign"),
        ("Cluster", "spec.postgresql.synchronous.method", "some", "one of"),
        ("Pooler", "spec.pgbouncer.poolmode", "transaction", "poolmode"),
        ("ScheduledBackup", "spec.schedule", None, "got null, want string"),
        ("ObjectStore", "spec.configuration.s3Credentials.accessKeyId", "id", "got string, want object"),
    ],
)
def test_a_broken_object_is_refused(render: Render, kind: str, path: str, value: object, named: str) -> None:
    """A misspelt field, a wrong type or an unknown word fails the check, and is named."""
    names = {"Issuer": "users-api-self-signed", "Certificate": "users-api-tls", "Middleware": "users-api-retry"}
    names |= dict.fromkeys(("Cluster", "ScheduledBackup", "ObjectStore"), "users-api-postgresql")
    name = names.get(kind, "users-api-postgresql-pooler" if kind == "Pooler" else "users-api")
    values = VALUES["otherwise"] if "postgresql" in name else [EVERYTHING]
    manifest = find(render(*values), kind, name)
    *parents, last = path.split(".")
    part = manifest
    for parent in parents:
        part = part.setdefault(parent, {})
    part[last] = value
    passes, said = conform(manifest)
    assert not passes
    assert named in said


def test_an_http_route_retries_by_its_own_field(render: Render) -> None:
    """The Gateway API takes the retries that the chart writes into the route itself."""
    passes, said = conform(find(render(EVERYTHING, **{"httpRoute.retry": "gatewayAPI"}), "HTTPRoute"))
    assert passes, said


def test_a_kind_that_no_api_serves_is_refused() -> None:
    """An object without a schema is an error, not skipped."""
    passes, said = conform({"apiVersion": "extensions/v1beta1", "kind": "Ingress", "metadata": {"name": "old"}})
    assert not passes
    assert "could not find schema" in said


def test_all_values_files_are_checked() -> None:
    """Each values file beside the chart is one of those that these tests, or a foreign application's, go through."""
    assert {path.resolve() for path in CHART.glob("values-*.yaml")} <= {
        APP,
        *(path for paths in VALUES.values() for path in paths),
    }
