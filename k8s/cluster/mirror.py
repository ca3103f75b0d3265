"""Where published images, charts and programs are fetched: at their makers', or at a mirror of those.

One rule for both settings: a mirror has each thing under the name of its own host, and the rest as it is there. So
`redis:7.4` is at `MIRROR/docker.io/library/redis:7.4`, and `https://dl.k8s.io/a` at `MIRROR/dl.k8s.io/a`.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from k8s.cluster.kind import Kind
from k8s.cluster.steps import StepError

# Of all images that manifests and charts name: the nodes are told of each.
REGISTRIES = ("docker.io", "ghcr.io", "quay.io", "registry.k8s.io")
_LOOPBACK = ("127.0.0.1", "localhost")
_REGISTRY = re.compile(r"[a-zA-Z0-9.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")


@dataclass(frozen=True)
class Mirror:
    """A mirror of registries, and one of what is downloaded; either may be empty, and then is not used.

    Attributes:
        images: a registry and a folder in it, as docker takes them: mirror.example.com/folder.
        downloads: an address, as in https://mirror.example.com/folder: of charts, programs and their checksums.

    Raises:
        StepError: one of them is of another form; says which is right.
    """

    images: str = ""
    downloads: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        if self.images and (not _REGISTRY.fullmatch(self.images) or not _is_host(self.images.partition("/")[0])):
            message = (
                f"IMAGE_MIRROR={self.images} is no registry: write it as docker does, as in mirror.example.com/folder "
                "or 127.0.0.1:5000, in small letters, with no https:// before it and no / behind it"
            )
            raise StepError(message)
        if self.downloads and not _is_address(self.downloads):
            message = (
                f"DOWNLOAD_MIRROR={self.downloads} is no address of a mirror: write it as in "
                "https://mirror.example.com/folder (http:// only on 127.0.0.1, with the port), with no / behind it"
            )
            raise StepError(message)

    def image(self, name: str) -> str:
        """Return the name to pull an image by."""
        if not self.images:
            return name
        registry, separator, rest = name.partition("/")
        if not separator:
            return f"{self.images}/docker.io/library/{name}"
        return f"{self.images}/{name}" if _is_host(registry) else f"{self.images}/docker.io/{registry}/{rest}"

    def url(self, url: str) -> str:
        """Return where to download what its makers have at `url`."""
        return f"{self.downloads}/{url.partition('://')[2]}" if self.downloads and url else url

    def told_to_nodes(self, registry: str, loopback: str) -> str:
        """Return what a node's containerd is told, so that it pulls a registry's images from the mirror alone.

        Args:
            registry: whose images they are.
            loopback: by which address the nodes reach this host.
        """
        host, _, folder = self.images.partition("/")
        name, _, port = host.partition(":")
        server = f"http://{loopback}:{port}" if name in _LOOPBACK else f"https://{host}"
        path = "/".join(part for part in (folder, registry) if part)
        return f'server = "{server}/v2/{path}"\ncapabilities = ["pull", "resolve"]\noverride_path = true\n'


def tell_nodes(kind: Kind, mirror: Mirror) -> None:
    """Have each node pull what charts name from the mirror; harmless when repeated."""
    if not mirror.images:
        return
    # A node's 127.0.0.1 is its own; any address of this host's will do, and this one is there before the nodes are.
    format_ = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
    gateways = kind.steps.command("mirror", ["docker", "network", "inspect", "--format", format_, "bridge"]).split()
    loopback = next(address for address in gateways if ":" not in address)
    for node in kind.nodes():
        for registry in REGISTRIES:
            script = 'mkdir -p "/etc/containerd/certs.d/$0" && cat >"/etc/containerd/certs.d/$0/hosts.toml"'
            command = ["docker", "exec", "--interactive", node, "sh", "-euc", script, registry]
            kind.steps.command("mirror", command, stdin=mirror.told_to_nodes(registry, loopback))


def _is_host(name: str) -> bool:
    """Tell whether docker takes the first part of an image's name for a registry."""
    return "." in name or ":" in name or name == "localhost"


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    safe = parts.scheme == "https" or text.startswith("http://127.0.0.1:")
    return bool(safe and parts.hostname and not (parts.query or parts.fragment or text.endswith("/") or " " in text))
