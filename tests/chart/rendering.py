"""A rendering of the chart, and what must hold of every one."""

import base64
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from service.settings import Settings
from tests.chart.conftest import KUBERNETES, Manifest, pods, run
from tests.chart.generated_values import Case
from tests.chart.test_schemas import conform

REFUSALS = ("the values don't fit together:", "values don't meet the specifications of the schema(s)")
APIS = ("custom.metrics.k8s.io/v1beta2", "gateway.networking.k8s.io/v1")
LABEL = re.compile("([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
SERVICE = re.compile("[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
OBJECT = re.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class StrictLoader(yaml.CSafeLoader):
    """A loader that refuses a key that comes twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Build a mapping, each key once."""
        keys = Counter(key.value for key, _ in node.value)
        twice = [key for key, count in keys.items() if count > 1]
        assert not twice, f"twice: {twice} {node.start_mark}"
        return super().construct_mapping(node, deep)


def rendered(helm: str, case: Case, chart: Path) -> list[Manifest] | None:
    """Return what a Helm renders of a case, or None where it refuses it and says what to do."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        # YAML knows no pair of escapes for one character, as JSON has beyond U+FFFF.
        json.dump({"users-api": case.values} if case.as_dependency else case.values, file, ensure_ascii=False)
        file.flush()
        target = ("template", case.release, chart, "--namespace", case.namespace, "--kube-version", KUBERNETES)
        done = run(helm, *target, f"--values={file.name}", *(f"--api-versions={api}" for api in APIS), check=False)
    if done.returncode:
        assert any(refusal in done.stderr for refusal in REFUSALS), done.stderr
        return None
    return [manifest for manifest in yaml.load_all(done.stdout, StrictLoader) if manifest]


def check(manifests: list[Manifest]) -> None:
    """Hold manifests to what the API takes, and their settings to what the service takes."""
    passes, said = conform(*manifests)
    assert passes, said
    for manifest in manifests:
        metadata = manifest["metadata"]
        kind, name = manifest["kind"], metadata["name"]
        assert (SERVICE if kind == "Service" else OBJECT).fullmatch(name), f"{kind}/{name}"
        for labels in _labels(manifest):
            assert all(isinstance(value, str) and LABEL.fullmatch(value) for value in labels.values()), (kind, labels)
        assert all(isinstance(value, str) for value in metadata.get("annotations", {}).values()), metadata
    for name, pod in pods(manifests).items():
        _is_unique(name, [volume["name"] for volume in pod.get("volumes", [])])
        containers = [*pod.get("initContainers", []), *pod["containers"]]
        _is_unique(name, [container["name"] for container in containers])
        for container in containers:
            _is_unique(name, [variable["name"] for variable in container.get("env", [])])
            _is_unique(name, [mount["mountPath"] for mount in container.get("volumeMounts", [])])
    _starts(manifests)


def _labels(part: object) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        for key, below in part.items():
            if key in {"labels", "matchLabels", "nodeSelector"} and isinstance(below, dict):
                yield below
            else:
                yield from _labels(below)
    elif isinstance(part, list):
        for below in part:
            yield from _labels(below)


def _is_unique(where: str, names: list[str]) -> None:
    assert len(set(names)) == len(names), (where, names)


def _starts(manifests: list[Manifest]) -> None:
    """The API's environment, as the kubelet would make it, is one that the service takes."""
    (api,) = [c for pod in pods(manifests).values() for c in pod["containers"] if c["name"] == "api"]
    found = {(m["kind"], m["metadata"]["name"]): m for m in manifests}
    environment: dict[str, str] = {}
    for source in api["envFrom"]:
        if "configMapRef" in source:
            environment |= found.get(("ConfigMap", source["configMapRef"]["name"]), {}).get("data", {})
    for variable in api["env"]:
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference is None:
            environment[variable["name"]] = variable.get("value", "pod" if "valueFrom" in variable else "")
            continue
        secret = found.get(("Secret", reference["name"]))
        if secret is None:  # made by the user, or by the chart's Job
            environment[variable["name"]] = "[]" if reference["key"] == "static-tokens" else "made"
            continue
        encoded = secret.get("data", {}).get(reference["key"], "")
        plain = secret.get("stringData", {}).get(reference["key"])
        environment[variable["name"]] = plain or base64.b64decode(encoded).decode()
    assert all(isinstance(value, str) for value in environment.values()), environment
    with patch.dict(os.environ, environment, clear=True):
        Settings()
