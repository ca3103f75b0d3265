"""The kind cluster itself: create, delete, load images, and tell how it is."""

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import docker, system
from k8s.cluster.modes import BUILD, PULL
from k8s.cluster.steps import StepError, Steps

CONFIG = Path(__file__).resolve().parents[2] / "kind-config.yaml"
NAME = next(
    line.removeprefix("name: ") for line in CONFIG.read_text(encoding="utf-8").splitlines() if line.startswith("name: ")
)
CONTEXT = f"kind-{NAME}"
BUILT_NODE = "localhost/kind-node"
# Added to kind-config.yaml for nodes built here: kind's own network plugin comes as an image only.
_OWN_NETWORK = "networking:\n  disableDefaultCNI: true\n"
# The kubelet refuses cgroup v1 since 1.35 unless told so.
_CGROUP_V1 = """kubeadmConfigPatches:
  - |
    kind: KubeletConfiguration
    failCgroupV1: false
"""


@dataclass(frozen=True)
class Kind:
    """The cluster that kind-config.yaml names, through the `kind` binary in `tools`."""

    tools: Path
    steps: Steps

    def exists(self) -> bool:
        """Tell whether kind knows the cluster."""
        return NAME in self._kind("get", "clusters").split()

    def is_whole(self) -> bool:
        """Tell whether every node of `kind-config.yaml` is there and ready."""
        wanted = CONFIG.read_text(encoding="utf-8").count("- role:")
        try:
            answer = self.kubectl(
                "get",
                "nodes",
                "--request-timeout=10s",
                "-o",
                'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}',
            )
        except StepError:
            return False
        return answer.split() == ["True"] * wanted

    def create(self, image: str, *, own_network: bool, cgroup_version: int) -> None:
        """Create the cluster from `kind-config.yaml` and what this host needs besides."""
        config = CONFIG.read_text(encoding="utf-8")
        if own_network:
            config += _OWN_NETWORK
        if cgroup_version == 1:
            config += _CGROUP_V1
        rendered = self.steps.directory / "kind-config.yaml"
        rendered.write_text(config, encoding="utf-8")
        self._kind("create", "cluster", "--config", rendered, "--image", image, "--retain")

    def delete(self) -> None:
        """Delete the cluster, its nodes and its entry in the kubeconfig."""
        self._kind("delete", "cluster", "--name", NAME)

    def nodes(self) -> list[str]:
        """Return the names of the node containers."""
        return self._kind("get", "nodes", "--name", NAME).split()

    def load(self, images: tuple[str, ...]) -> None:
        """Put those images from the engine into every node that one of them lacks.

        As `kind load` does, but a node unpacks an image when a pod needs it there: half the writing.
        """
        inspect = ["docker", "image", "inspect", "--format", "{{.Id}}", *images]
        ids = dict(zip(images, self.steps.command("docker-inspect", inspect).split(), strict=True))
        nodes = self.nodes()
        held = [held_images(self._listing(node), ids) for node in nodes]
        missing = [image for image in images if not all(image in on_node for on_node in held)]
        if not missing:
            return
        archive = self.steps.directory / "images.tar"
        self.steps.command("docker-save", ["docker", "save", "--output", archive, *missing])
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: self._import(node, archive), nodes))
        archive.unlink()

    def export_logs(self, target: Path) -> None:
        """Write the nodes' and pods' logs under `target`."""
        self._kind("export", "logs", "--name", NAME, target)

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """Run kubectl against this cluster, whatever the current context is."""
        return self.steps.command("kubectl", [self.tools / "kubectl", "--context", CONTEXT, *arguments], stdin=stdin)

    def _listing(self, node: str) -> str:
        return self.steps.command(
            "image-list", ["docker", "exec", node, "ctr", "--namespace", "k8s.io", "images", "ls"]
        )

    def _import(self, node: str, archive: Path) -> None:
        # By itself, and not through containerd's transfer service: less than half the CPU.
        importing = "ctr --namespace k8s.io images import --local --no-unpack --digests -"
        script = f'docker exec --interactive "$0" {importing} <"$1"'
        self.steps.command("image-import", ["sh", "-c", script, node, archive])

    def _kind(self, *arguments: str | Path) -> str:
        if shutil.which("docker") is None:
            message = f"there is no docker command: {system.install_docker()}"
            raise StepError(message)
        environment = {**os.environ, "KIND_EXPERIMENTAL_PROVIDER": "docker"}
        return self.steps.command("kind", [self.tools / "kind", *arguments], env=environment)


def made() -> str:
    """Return the mode that the cluster there was made by, running or not; empty without one."""
    image = docker.image_of(f"{NAME}-control-plane")
    return "" if not image else BUILD if image.startswith(f"{BUILT_NODE}:") else PULL


def held_images(listing: str, ids: Mapping[str, str]) -> set[str]:
    """Return those of the images (name to the engine's id) that a node holds, from what its `ctr images ls` prints.

    An engine's id is of the image's configuration, or, where it keeps images as containerd does, of its manifest or
    index, which is the digest here. A node lists an image by its name and by the former; it holds it if both are one.
    """
    digests = {fields[0]: fields[2] for line in listing.splitlines() if len(fields := line.split()) > 2}  # noqa: PLR2004
    return {
        name for name, identity in ids.items() if name in digests and digests[name] in (digests.get(identity), identity)
    }
