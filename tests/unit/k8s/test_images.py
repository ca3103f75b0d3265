import re
from pathlib import Path

import pytest
import yaml

from k8s.cluster import images, published
from k8s.cluster.addons import FOLDERS
from k8s.cluster.binaries import version_of
from k8s.cluster.groups import GROUPS

_BUILT = {*images.ADD_ONS, images.TRAEFIK, images.REDIS, images.REDIS_EXPORTER}
# Not pulled: the own charts of two bring their images, nobody publishes the third, and kind's own network does what the
# last does.
_NOT_PULLED = {images.KEDA, images.CERT_MANAGER, images.TEST_ADAPTER, images.NETWORK_POLICIES}


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
    _, _, version = published.CHARTS["cert-manager", "cert-manager"]
    assert version == version_of("github.com/cert-manager/cert-manager")


@pytest.mark.parametrize("name", images.ADD_ONS)
def test_each_image_holds_binaries_that_are_compiled(name: str) -> None:
    """Every binary of an add-on's image is one of a group's, and its Dockerfile copies it."""
    compiled = {binary for group in GROUPS for binary in group.packages}
    folder = images.IMAGES / name.removeprefix("localhost/").removesuffix(":local")
    dockerfile = Path(folder / "Dockerfile").read_text(encoding="utf-8")
    for binary in images.ADD_ONS[name]:
        assert binary in compiled
        assert re.search(rf"(?m)^COPY .*\b{binary}\b", dockerfile)
