"""What an add-on's folder under `k8s/` says of it in `addon.toml`, for the cluster to build, pull and install it.

Beside it lie the manifests (`kustomization.yaml`), the image's Dockerfile (`image/`), a chart's values
(`<folder>.values.yaml`), and what changes a Go module's source before it is compiled (`trim.py`).
"""

import importlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s.cluster.group import COMPONENTS, Group

FOLDERS = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Image:
    """A container image.

    Attributes:
        folder: with its Dockerfile.
        name: as the manifests name it.
        binaries: what its Dockerfile copies.
        published: what is pulled instead where images can be, unless a chart brings it.
        base: the image that it is built on, if it is on one.
    """

    folder: Path
    name: str
    binaries: tuple[str, ...]
    published: str = ""
    base: str = ""


@dataclass(frozen=True)
class Upstream:
    """The folder of a pinned Go module whose manifests the add-on's own take in as `upstream`."""

    module: str
    folder: str
    pinned_in: Path = COMPONENTS


@dataclass(frozen=True)
class Chart:
    """The published chart that stands for the add-on's manifests where images can be pulled."""

    repository: str
    version: str


@dataclass(frozen=True)
class AddOn:
    """An add-on, as its folder describes it.

    Attributes:
        folder: of its manifests; with a chart also the name of chart and release, and of the namespace if none is said.
        build: what is compiled for it.
        namespace: whose Deployments must be available before the add-on is there; a chart's release is in it.
        ingress: what INGRESS must choose for it to be there; empty: whatever is chosen.
        replaces: objects of another choice that go before it comes, each as `kubectl delete` takes it.
        kinds: CustomResourceDefinitions that later add-ons have objects of.
        ready: what else must hold before it is there, each as `kubectl wait` takes it.
        on_demand: only its image is brought; a test installs it, and takes it away again.
        always_built: nobody publishes its image, and it is needed where others are pulled too.
    """

    folder: Path
    build: Group | None = None
    image: Image | None = None
    upstream: Upstream | None = None
    chart: Chart | None = None
    namespace: str = ""
    ingress: str = ""
    replaces: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    on_demand: bool = False
    always_built: bool = False

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def requirements(self) -> Path:
        """The lock file of the wheel that has those binaries of its image that are not compiled, if there are any."""
        return self.folder / "requirements.lock"


def read(folder: Path) -> AddOn:
    """Return the add-on that a folder describes.

    Raises:
        TypeError: a key is missing, or is none; names it.
    """
    said = tomllib.loads((folder / "addon.toml").read_text(encoding="utf-8"))
    parts: dict[str, Any] = {}
    if "build" in said:
        parts["build"] = _group(folder, said.pop("build"))
    if "image" in said:
        image = said.pop("image")
        parts["image"] = Image(folder / "image", **image | {"binaries": tuple(image["binaries"])})
    if "upstream" in said:
        upstream = said.pop("upstream")
        parts["upstream"] = Upstream(**upstream | {"pinned_in": COMPONENTS / upstream.get("pinned_in", "")})
    if "chart" in said:
        parts["chart"] = Chart(**said.pop("chart"))
    parts |= {name: tuple(said.pop(name, ())) for name in ("replaces", "kinds", "ready")}
    return AddOn(folder, **parts, **said)


def _group(folder: Path, build: Mapping[str, Any]) -> Group:
    given = dict(build)
    pinned_in = COMPONENTS / given.pop("pinned_in", "")
    trimmed = None
    if module := given.pop("trimmed", ""):
        trimmed = (module, importlib.import_module(f"k8s.{folder.name}.trim").trim)
    return Group(**given, needed_for_nodes=False, pinned_in=pinned_in, trimmed=trimmed)


# In the order of their installation: Prometheus has the namespace of those behind it, the Ingress' Gateways want their
# kinds, and the other controllers take the ports that Traefik lets go.
ADD_ONS = tuple(
    read(FOLDERS / name)
    for name in (
        "metrics-server",
        "prometheus",
        "kube-state-metrics",
        "alertmanager",
        "jaeger",
        "otel-collector",
        "grafana",
        "keda",
        "cert-manager",
        "policies",
        "custom-metrics",
        "gateway-api",
        "ingress",
        "ingress-nginx",
        "contour-kinds",
        "contour",
    )
)
