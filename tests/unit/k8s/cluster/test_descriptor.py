from pathlib import Path

import pytest
import yaml

from k8s.cluster.descriptor import ADD_ONS, FOLDERS, read
from k8s.cluster.group import COMPONENTS
from k8s.ingress.controllers import CONTROLLERS

_WHOLE = """
on_demand = true
ingress = "nginx"
replaces = ["ingress example"]
ready = ["apiservice v1.example.com --for=condition=Available"]
[build]
name = "Example"
about = "1 s"
packages.example = "example.com/cmd"
[image]
name = "localhost/example:local"
binaries = ["example"]
base = "localhost/base:1"
[upstream]
module = "example.com"
folder = "config"
pinned_in = "tracing"
[chart]
repository = "https://example.com"
version = "1.0.0"
"""


def test_each_folder_with_a_descriptor_is_an_add_on() -> None:
    """None is described and forgotten, and each has manifests, or a chart that has them."""
    assert {path.parent for path in FOLDERS.glob("*/addon.toml")} == {add_on.folder for add_on in ADD_ONS}
    assert all(add_on.chart or (add_on.folder / "kustomization.yaml").exists() for add_on in ADD_ONS)
    assert {path.parent for path in FOLDERS.glob("*/kustomization.yaml")} <= {add_on.folder for add_on in ADD_ONS}


def test_an_add_on_is_of_a_choice_that_there_is() -> None:
    """What is there for one Ingress controller alone names one that can be chosen."""
    assert {add_on.ingress for add_on in ADD_ONS} == {"", "nginx", "contour"}
    assert {add_on.ingress for add_on in ADD_ONS} - {""} <= {controller.choice for controller in CONTROLLERS}


def test_each_namespace_is_waited_for() -> None:
    """Where an add-on's own manifests have a Deployment in a namespace, the add-on names it."""
    for add_on in ADD_ONS:
        deployments = [
            manifest
            for path in add_on.folder.glob("*.yaml")
            for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8"))
            if manifest and manifest.get("kind") == "Deployment"
        ]
        assert bool(add_on.namespace) or not deployments or add_on.on_demand, add_on.name


def test_a_folder_says_what_its_add_on_is(tmp_path: Path) -> None:
    """Build, image, manifests' source and chart are read, and what is compiled is none of the nodes'."""
    (tmp_path / "addon.toml").write_text(_WHOLE)
    add_on = read(tmp_path)
    assert (add_on.name, add_on.on_demand, add_on.always_built) == (tmp_path.name, True, False)
    assert (add_on.ingress, add_on.replaces) == ("nginx", ("ingress example",))
    assert add_on.ready == ("apiservice v1.example.com --for=condition=Available",)
    assert add_on.build
    assert (add_on.build.packages, add_on.build.needed_for_nodes) == ({"example": "example.com/cmd"}, False)
    assert add_on.image
    assert (add_on.image.folder, add_on.image.binaries) == (tmp_path / "image", ("example",))
    assert add_on.image.base == "localhost/base:1"
    assert add_on.upstream
    assert (add_on.upstream.folder, add_on.upstream.pinned_in) == ("config", COMPONENTS / "tracing")
    assert add_on.chart
    assert add_on.chart.version == "1.0.0"


@pytest.mark.parametrize("part", ["", "[image]\nname='x'\nbinaries=[]\n", "[build]\nname='x'\nabout=''\npackages={}\n"])
def test_a_misspelt_key_is_named(tmp_path: Path, part: str) -> None:
    """A key that is none stops the start, wherever it stands."""
    (tmp_path / "addon.toml").write_text(f"{part}publishd = 'x'\n")
    with pytest.raises(TypeError, match="publishd"):
        read(tmp_path)
