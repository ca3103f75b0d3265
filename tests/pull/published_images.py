"""The images that pull mode asks for, each made of ours, in a registry under its published name."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import published
from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.images import DEBIAN, PYTHON_BUILD
from k8s.cluster.kind import BUILT_NODE
from k8s.cluster.mirror import Mirror
from k8s.cluster.modules import version_of
from tests.pull.command import run

FOLDER = Path(__file__).with_name("images")
ASKED_BY_NODES = "ghcr.io/kedacore/", "quay.io/jetstack/"
"""How the names begin that no manifest of ours has, but charts."""
_CHARTS = {add_on.name: add_on.chart.version for add_on in ADD_ONS if add_on.chart}
_POLICIES = "localhost/network-policies:local"
_KEDA = "localhost/keda:local"
_KEDA_PROGRAMS = {
    "keda": ("keda-operator", "keda"),
    "keda-metrics-apiserver": ("keda-adapter", "keda-adapter"),
    "keda-admission-webhooks": ("keda-admission-webhooks", "keda-admission-webhooks"),
}
"""Of each published image: its program as ours has it, and as the chart calls it."""


@dataclass(frozen=True)
class Network:
    """kind's own network, as its nodes have it.

    Attributes:
        image: which the nodes have with them.
        manifest: with places for what kind fills in.
    """

    image: str
    manifest: str


def network(kind: Path) -> Network:
    """Return what kind compiles into its node images, from its module's source."""
    text = (kind / "pkg" / "build" / "nodeimage" / "const_cni.go").read_text(encoding="utf-8")
    image = re.findall(r'const kindnetdImage = "([^"]+)"', text)[0]
    manifest = text.partition("const defaultCNIManifest = `")[2].rpartition("`")[0]
    return Network(image, manifest.replace("` + kindnetdImage + `", image))


def as_they_are() -> dict[str, str]:
    """Return the published names of images that are ours unchanged, with our names."""
    return {
        **{source: name for name, source in published.IMAGES.items()},
        published.PYTHON: PYTHON_BUILD,
        f"quay.io/jetstack/cert-manager-controller:{_CHARTS['cert-manager']}": "localhost/cert-manager:local",
    }


def rearranged() -> dict[str, tuple[str, str]]:
    """Return the published names of KEDA's images, with the program as ours calls it, and as theirs does."""
    return {f"ghcr.io/kedacore/{name}:{_CHARTS['keda']}": programs for name, programs in _KEDA_PROGRAMS.items()}


def needed() -> list[str]:
    """Return the names of our images that all of it is made of."""
    return [node(), DEBIAN, _POLICIES, _KEDA, *as_they_are().values()]


def node() -> str:
    """Return the name of our node's image."""
    return f"{BUILT_NODE}:{version_of('k8s.io/kubernetes')}"


def push(mirror: Mirror, kind: Path) -> str:
    """Push all to the mirror, and leave none of their names in the engine; returns the digest of the nodes' image."""
    for name, ours in as_they_are().items():
        run("docker", "tag", ours, mirror.image(name))
        _push(mirror.image(name))
    for name, (ours, theirs) in rearranged().items():
        arguments = {"BASE_IMAGE": _KEDA, "OURS": ours, "PUBLISHED": theirs}
        _build(mirror.image(name), FOLDER / "keda", arguments)
        _push(mirror.image(name))
    return _push_node(mirror.image(published.NODE.partition("@")[0]), network(kind))


def _push_node(name: str, given: Network) -> str:
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        _build(given.image, FOLDER / "kindnetd", {"BASE_IMAGE": DEBIAN, "POLICIES": _POLICIES})
        run("docker", "save", "--output", str(context / "kindnetd.tar"), given.image)
        (context / "default-cni.yaml").write_text(given.manifest, encoding="utf-8")
        (context / "Dockerfile").write_bytes((FOLDER / "node" / "Dockerfile").read_bytes())
        _build(name, context, {"BASE_IMAGE": node()})
    return _push(name)


def _push(name: str) -> str:
    """Push an image and take its name away, so that it is pulled; returns its digest."""
    said = run("docker", "push", name)
    run("docker", "image", "rm", "--no-prune", name)
    found = re.search(r"digest: (sha256:[0-9a-f]{64})", said)
    assert found is not None, said
    return found[1]


def _build(name: str, folder: Path, arguments: dict[str, str]) -> None:
    given = [f"--build-arg={key}={value}" for key, value in arguments.items()]
    run("docker", "build", "--quiet", "--tag", name, *given, str(folder))
