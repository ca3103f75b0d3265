"""What is pulled where images can be: published images, under the names that the manifests use."""

from collections.abc import Mapping

from k8s.cluster import docker
from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.images import REDIS, REDIS_EXPORTER
from k8s.cluster.mirror import Mirror
from k8s.cluster.modules import go_version
from k8s.cluster.steps import Steps

# kind v0.33.0's default.
NODE = "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
PYTHON = "python:3.11-slim-bookworm"
IMAGES = {
    **{add_on.image.name: add_on.image.published for add_on in ADD_ONS if add_on.image and add_on.image.published},
    REDIS: "redis:7.4-bookworm",
    REDIS_EXPORTER: "oliver006/redis_exporter:v1.69.0",
}
SMALLEST = IMAGES[REDIS_EXPORTER]


def why_not_pulled(mirror: Mirror) -> str:
    """Say why the engine cannot pull, in its words; nothing where it can, or has the nodes' image already."""
    return "" if docker.is_there(mirror.image(NODE)) else docker.why_not_pulled(mirror.image(SMALLEST))


def pull(steps: Steps, mirror: Mirror) -> tuple[str, ...]:
    """Pull the nodes' image and those of the add-ons; returns the names that the manifests use."""
    _ensure(steps, mirror.image(NODE))
    return pull_as(steps, mirror, IMAGES)


def pull_as(steps: Steps, mirror: Mirror, images: Mapping[str, str]) -> tuple[str, ...]:
    """Pull each image (name to published name) that the engine lacks, and tag it with its name; returns the names."""
    for source in images.values():
        _ensure(steps, mirror.image(source))
    for name, source in images.items():
        steps.command("docker-tag", ["docker", "tag", mirror.image(source), name])
    return tuple(images)


def _ensure(steps: Steps, image: str) -> None:
    if not docker.is_there(image):  # each is of one version: there is no newer one, and no limit of pulls to meet
        steps.command("docker-pull", ["docker", "pull", image])


def go_image() -> str:
    """Return the image with the compiler that the pinned modules ask for."""
    return f"golang:{go_version()}-bookworm"
