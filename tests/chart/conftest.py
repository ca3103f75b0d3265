import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "chart"
KUBERNETES = "1.36.3"
APP = CHART / "values-app.yaml"  # of an application that is not the users API: test_foreign_app.py
EVERYTHING = Path(__file__).with_name("values-everything.yaml")
VALUES = {
    "default": [],
    "kind": [CHART / "values-kind.yaml"],
    "demo": [CHART / "values-kind.yaml", CHART / "values-demo.yaml"],
    "production": [CHART / "values-production.yaml"],
    "everything": [EVERYTHING],
    "otherwise": [EVERYTHING.with_name("values-otherwise.yaml")],
    "bundled": [EVERYTHING.with_name("values-bundled.yaml")],
}
# A template of another kind, as a Pooler's, is only what its operator adds to its own.
WORKLOADS = ("Deployment", "StatefulSet", "Job")
# Programs in Go that live for a second: with fewer garbage collections a rendering takes a fifth less of a core.
OF_TOOLS = {"GOGC": "400"}
Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add how many values are drawn."""
    parser.addoption("--renderings", type=int, default=40, help="renderings of the chart with generated values")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder: each needs Helm or one of its checkers."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.chart)


def run(tool: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a tool from PATH, its output captured; fail the test, naming the remedy, where it is missing."""
    if shutil.which(tool) is None:
        pytest.fail(f"{tool} is not on PATH: run `make tools`, and the tests by `make chart`")
    environment = {**OF_TOOLS, **os.environ}
    done = subprocess.run([tool, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if check and done.returncode:
        pytest.fail(f"{tool} {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
    return done


def template(helm: str, values: Sequence[Path], settings: Mapping[str, str]) -> list[Manifest]:
    """Return the manifests that a Helm renders for release and namespace `users-api`."""
    text = first_rendering(helm, tuple((path, path.read_bytes()) for path in values), tuple(settings.items()))
    return [manifest for manifest in yaml.load_all(text, yaml.CSafeLoader) if manifest]


def rendering(helm: str, values: Sequence[Path], settings: Mapping[str, str]) -> str:
    """Return the text of it."""
    arguments = ["template", "users-api", "chart", "--namespace", "users-api", "--kube-version", KUBERNETES]
    arguments += [f"--values={path}" for path in values]
    arguments += [f"--set={name}={value}" for name, value in settings.items()]
    return run(helm, *arguments).stdout


@functools.cache
def first_rendering(helm: str, values: tuple[tuple[Path, bytes], ...], settings: tuple[tuple[str, str], ...]) -> str:
    """Return the same, rendered once for files of the same content."""
    return rendering(helm, [path for path, _ in values], dict(settings))


@pytest.fixture(params=["helm", "helm4"])
def helm(request: pytest.FixtureRequest) -> str:
    """Helm 3, then Helm 4."""
    return str(request.param)


@pytest.fixture(params=list(VALUES))
def values(request: pytest.FixtureRequest) -> list[Path]:
    """Each values file in turn; the chart's defaults are always below it."""
    return VALUES[request.param]


@pytest.fixture
def render() -> Render:
    """A function that renders the chart by Helm 3: `render(*values files, **{"a.b": "value"})`."""

    def rendered(*files: Path, **settings: str) -> list[Manifest]:
        return template("helm", files, settings)

    return rendered


@pytest.fixture(scope="session")
def charts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The chart itself, and one that has it as a dependency."""
    parent = tmp_path_factory.mktemp("parent")
    (parent / "Chart.yaml").write_text("{apiVersion: v2, name: parent, version: 1.0.0}")
    shutil.copytree(CHART, parent / "charts" / "users-api", ignore=shutil.ignore_patterns("tests"))
    return CHART, parent


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Return every pod spec by its object's kind and name."""
    specs = {}
    for manifest in manifests:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        if manifest["kind"] == "Pod":
            specs[name] = manifest["spec"]
        elif manifest["kind"] in WORKLOADS:
            specs[name] = manifest["spec"]["template"]["spec"]
        elif manifest["kind"] == "CronJob":
            specs[name] = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return specs


def find(manifests: list[Manifest], kind: str, name: str = "users-api") -> Manifest:
    """Return the one manifest of a kind and name."""
    (found,) = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name]
    return found


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a LabelSelector selects labels; of its operators In alone is used here."""
    assert all(term["operator"] == "In" for term in selector.get("matchExpressions", []))
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(term["key"]) in term["values"] for term in selector.get("matchExpressions", [])
    )
