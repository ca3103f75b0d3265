import re
from pathlib import Path

import pytest

from k8s.cluster import published
from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.images import PYTHON_BUILD, STORES
from tests.pull import published_images

_SOURCE = """package nodeimage

const kindnetdImage = "docker.io/kindest/kindnetd:v1"

const defaultCNIManifest = `
image: ` + kindnetdImage + `
value: {{ .PodSubnet }}
`
"""


def test_kinds_network_is_read_from_its_source(tmp_path: Path) -> None:
    """The manifest has the image's name in it, and what kind fills in stays open."""
    folder = tmp_path / "pkg" / "build" / "nodeimage"
    folder.mkdir(parents=True)
    (folder / "const_cni.go").write_text(_SOURCE)
    found = published_images.network(tmp_path)
    assert found.image == "docker.io/kindest/kindnetd:v1"
    assert found.manifest == "\nimage: docker.io/kindest/kindnetd:v1\nvalue: {{ .PodSubnet }}\n"


def test_each_published_image_is_one_of_ours() -> None:
    """All that docker is asked for in pull mode, but the nodes' image, which is made anew."""
    there = published_images.as_they_are()
    assert {published.PYTHON, *published.IMAGES.values()} <= there.keys()
    built = {add_on.image.name for add_on in ADD_ONS if add_on.image} | STORES.keys()
    assert set(there.values()) - {PYTHON_BUILD} <= built


@pytest.mark.parametrize("name", ["keda", "cert-manager"])
def test_each_image_that_a_double_of_a_chart_names_is_served(name: str) -> None:
    """By the registry, folder and name that the chart's values have, and the chart's version."""
    version = next(add_on.chart.version for add_on in ADD_ONS if add_on.name == name and add_on.chart)
    values = (published_images.FOLDER.parent / "charts" / name / "values.yaml").read_text()
    named = re.findall(r"(?:registry: (\S+), )?repository: ([\w./-]+)", values)
    assert named
    served = {*published_images.as_they_are(), *published_images.rearranged()}
    for registry, repository in named:
        assert f"{registry}{'/' if registry else ''}{repository}:{version}" in served


def test_each_folder_of_an_image_has_a_dockerfile() -> None:
    """Under the names by which they are built."""
    assert {path.parent.name for path in published_images.FOLDER.glob("*/Dockerfile")} == {"keda", "kindnetd", "node"}
