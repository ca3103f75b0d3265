import functools
import json
import tempfile
from pathlib import Path

import pytest
import yaml

from tests.chart.conftest import VALUES, Manifest, run, template

# What kube-score objects to and stays, with the reason. All else it finds fails.
EXCEPTIONS = {
    ("container-resources", "CPU limit is not set"): (
        "throttling shows as latency before it shows as load, and the autoscaler acts on load; requests share the node"
    ),
    ("container-image-pull-policy", "ImagePullPolicy is not set to Always"): (
        "a tag is one build and a digest one image: pulling again gains nothing, and ties each start to the registry"
    ),
    ("container-ephemeral-storage-request-and-limit", "Ephemeral Storage request is not set"): (
        "the root file system is read-only, and what is writable is a volume with a sizeLimit"
    ),
    ("container-ephemeral-storage-request-and-limit", "Ephemeral Storage limit is not set"): (
        "the same; a limit would count the logs too, and evict a pod for its neighbours' questions"
    ),
    ("container-security-context-user-group-id", "The container is running with a low user ID"): (
        "999 is the user of the official Redis and Valkey images, who owns their /data"
    ),
    ("container-security-context-user-group-id", "The container running with a low group ID"): "likewise its group",
    ("networkpolicy-targets-pod", "The NetworkPolicys selector doesn't match any pods"): (
        "one selects the pods of a Cluster, which CloudNativePG's operator makes"
    ),
    ("pod-probes-identical", "Container has the same readiness and liveness probe"): (
        "they run two scripts, alive.sh and ready.sh: kube-score compares the ports of probes, and a script has none"
    ),
    ("deployment-replicas", "Deployment few replicas"): (
        "the autoscaler sets them, and a ScaledObject is no kind that kube-score knows"
    ),
}
WARNING = 5
OPTIONAL = ("container-seccomp-profile", "container-ports-check")


def findings(manifests: list[Manifest]) -> set[tuple[str, str]]:
    """Check and remark of all that kube-score finds critical or worth a warning."""
    options = ["--kubernetes-version", "v1.36", "--output-format", "json"]
    options += [argument for test in OPTIONAL for argument in ("--enable-optional-test", test)]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.dump_all(manifests, file, yaml.CSafeDumper)
        file.flush()
        scored = json.loads(run("kube-score", "score", *options, file.name, check=False).stdout)
    assert any(scored_object["type_meta"]["kind"] == "Deployment" for scored_object in scored)
    return {
        (check["check"]["id"], comment["summary"])
        for scored_object in scored
        for check in scored_object["checks"]
        if not check["skipped"] and check["grade"] <= WARNING
        for comment in check["comments"]
    }


@functools.cache
def findings_with(*values: Path) -> set[tuple[str, str]]:
    """What it finds with values files of the chart, looked for once."""
    return findings(template("helm", values, {}))


def test_kube_score_finds_nothing_but_the_exceptions(values: list[Path]) -> None:
    """Each remark of kube-score on any values file has a reason to stay."""
    assert findings_with(*values) <= set(EXCEPTIONS)


def test_each_exception_is_needed() -> None:
    """No exception outlives what it was for."""
    assert {each for values in VALUES.values() for each in findings_with(*values)} == set(EXCEPTIONS)


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"image": "localhost/users-api:latest"}, "Image with latest tag"),
        ({"resources": {}}, "Memory limit is not set"),
        ({"securityContext": {"privileged": True}}, "The container is privileged"),
    ],
)
def test_kube_score_sees_a_careless_container(change: Manifest, remark: str) -> None:
    """A container with the tag latest, without limits or with all rights is found."""
    manifests = template("helm", [], {})
    (deployment,) = [manifest for manifest in manifests if manifest["kind"] == "Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0].update(change)
    assert remark in {summary for _, summary in findings(manifests)}
