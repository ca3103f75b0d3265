"""What is pulled where images can be: published images, under the names that the manifests use."""

from k8s.cluster import docker, python
from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.images import (
    PGBOUNCER,
    PGBOUNCER_EXPORTER,
    POSTGRES_EXPORTER,
    POSTGRESQL,
    REDIS,
    REDIS_EXPORTER,
)
from k8s.cluster.mirror import Mirror
from k8s.cluster.modules import go_version
from k8s.cluster.steps import Steps

# kind v0.33.0's default.
NODE = "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
PYTHON = python.PUBLISHED
IMAGES = {
    **{add_on.image.name: add_on.image.published for add_on in ADD_ONS if add_on.image and add_on.image.published},
    REDIS: "redis:7.4-bookworm",
    REDIS_EXPORTER: "oliver006/redis_exporter:v1.69.0",
    POSTGRESQL: "postgres:17.12-trixie",
    POSTGRES_EXPORTER: "quay.io/prometheuscommunity/postgres-exporter:v0.17.1",
    PGBOUNCER: "ghcr.io/cloudnative-pg/pgbouncer:1.25.1",
    PGBOUNCER_EXPORTER: "quay.io/prometheuscommunity/pgbouncer-exporter:v0.10.2",
}
SMALLEST = IMAGES[REDIS_EXPORTER]


def why_not_pulled(mirror: Mirror) -> str:
    """Say why the engine cannot pull, in its words; nothing where it can, or has the nodes' image already."""
    return "" if docker.is_there(mirror.image(NODE)) else docker.why_not_pulled(mirror.image(SMALLEST))


def pull(steps: Steps, mirror: Mirror) -> tuple[str, ...]:
    """Pull each image that the engine lacks, and tag it with the name that manifests use; returns those names."""
    for source in (NODE, *IMAGES.values()):
        _ensure(steps, mirror.image(source))
    for name, source in IMAGES.items():
        steps.command("docker-tag", ["docker", "tag", mirror.image(source), name])
    return tuple(IMAGES)


def _ensure(steps: Steps, image: str) -> None:
    if not docker.is_there(image):  # each is of one version: there is no newer one, and no limit of pulls to meet
        steps.command("docker-pull", ["docker", "pull", image])


def go_image() -> str:
    """Return the image with the compiler that the pinned modules ask for."""
    return f"golang:{go_version()}-bookworm"
