"""Images of PostgreSQL and of what goes with it, which only a release with a database of its own needs."""

from pathlib import Path
from typing import NamedTuple

from k8s.cluster import host, published
from k8s.cluster.binaries import Binaries
from k8s.cluster.images import IMAGES, Images
from k8s.cluster.kind import Kind, made
from k8s.cluster.mirror import Mirror
from k8s.cluster.modes import BUILD
from k8s.cluster.steps import StepError, Steps

DEBIAN = "localhost/debian:trixie"  # Debian 12 has PostgreSQL 15, and a PgBouncer that loses prepared statements


class Image(NamedTuple):
    """An image: its name in the cluster, the folder of its Dockerfile, and what is pulled where images can be."""

    name: str
    folder: str
    published: str


SERVER = Image("localhost/postgresql:local", "postgresql", "postgres:17.12-trixie")
EXPORTER = Image(
    "localhost/postgres-exporter:local", "postgres-exporter", "quay.io/prometheuscommunity/postgres-exporter:v0.17.1"
)
POOLER = Image("localhost/pgbouncer:local", "pgbouncer", "ghcr.io/cloudnative-pg/pgbouncer:1.25.1")
POOLER_EXPORTER = Image(
    "localhost/pgbouncer-exporter:local",
    "pgbouncer-exporter",
    "quay.io/prometheuscommunity/pgbouncer-exporter:v0.10.2",
)
ALL = (SERVER, EXPORTER, POOLER, POOLER_EXPORTER)
PUBLISHED = {image.name: image.published for image in ALL}


def load(cache: Path, kind: Kind, steps: Steps, mirror: Mirror) -> None:
    """Put them into the cluster there, built or pulled as its others are.

    Raises:
        StepError: there is no cluster, or one of them could not be had.
    """
    mode = made()
    if not mode:
        raise StepError("there is no cluster to put the images into: run `make kind-up` first")
    names = _build(cache, steps) if mode == BUILD else published.pull_as(steps, mirror, PUBLISHED)
    steps.run("load PostgreSQL's images", lambda: kind.load(names), about="15 s")


def _build(cache: Path, steps: Steps) -> tuple[str, ...]:
    images = Images(cache, steps, Binaries(cache, steps), can_raise_limits=host.look().can_raise_limits)
    images.base(DEBIAN)
    for image in ALL:
        images.build(image.name, IMAGES / image.folder, {}, arguments={"BASE_IMAGE": DEBIAN}, about="15 s")
    return tuple(image.name for image in ALL)
