"""What is pulled where images can be: published images, under the names that the manifests use."""

from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.images import REDIS, REDIS_EXPORTER
from k8s.cluster.steps import Steps

# kind v0.33.0's default.
NODE = "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
PYTHON = "python:3.11-slim-bookworm"
IMAGES = {
    **{add_on.image.name: add_on.image.published for add_on in ADD_ONS if add_on.image and add_on.image.published},
    REDIS: "redis:7.4-bookworm",
    REDIS_EXPORTER: "oliver006/redis_exporter:v1.69.0",
}


def pull(steps: Steps) -> tuple[str, ...]:
    """Pull each image and tag it with the name that the manifests use; returns those names."""
    for name, source in IMAGES.items():
        steps.command("docker-pull", ["docker", "pull", source])
        steps.command("docker-tag", ["docker", "tag", source, name])
    return tuple(IMAGES)
