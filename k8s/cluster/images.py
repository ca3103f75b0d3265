"""Builds the container images of the cluster, each only when something in it changed."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import python
from k8s.cluster.binaries import Binaries
from k8s.cluster.descriptor import ADD_ONS, Image
from k8s.cluster.kind import BUILT_NODE
from k8s.cluster.modes import BUILD
from k8s.cluster.modules import version_of
from k8s.cluster.steps import Steps

IMAGES = Path(__file__).resolve().parent.parent / "images"
DEBIAN = "localhost/debian:bookworm"
# Debian 12 has PostgreSQL 15, and a PgBouncer that loses prepared statements.
NEWER_DEBIAN = "localhost/debian:trixie"
PYTHON = f"localhost/python:{python.VERSION}"
PYTHON_BUILD = f"{PYTHON}-build"
PYTHONS_DEBIAN = f"localhost/debian:{python.DEBIAN}"
REDIS = "localhost/redis:local"
REDIS_EXPORTER = "localhost/redis-exporter:local"
POSTGRESQL = "localhost/postgresql:local"
POSTGRES_EXPORTER = "localhost/postgres-exporter:local"
PGBOUNCER = "localhost/pgbouncer:local"
PGBOUNCER_EXPORTER = "localhost/pgbouncer-exporter:local"
STORES = {
    REDIS: DEBIAN,
    REDIS_EXPORTER: DEBIAN,
    POSTGRESQL: NEWER_DEBIAN,
    POSTGRES_EXPORTER: NEWER_DEBIAN,
    PGBOUNCER: NEWER_DEBIAN,
    PGBOUNCER_EXPORTER: NEWER_DEBIAN,
}
"""What keeps the users and what goes with it, each in the folder of its name, and the release of Debian it is from."""
_LABEL = "users-api.inputs"
# Without what only people read: 180 MB become 131.
_MMDEBSTRAP = (
    "mmdebstrap",
    "--variant=minbase",
    "--include=ca-certificates",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/zoneinfo/*",
    '--customize-hook=rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/usr/share/i18n',
)


@dataclass(frozen=True)
class Images:
    """Builds images with the engine's legacy builder, which any engine has."""

    cache: Path
    steps: Steps
    binaries: Binaries
    can_raise_limits: bool

    def base(self, name: str = DEBIAN) -> None:
        """Bootstrap the release of Debian that `name` has as its tag. Debian 12's keyring vouches for Debian 13 too."""
        command = (*_MMDEBSTRAP, name.rpartition(":")[2])
        inputs = hashlib.sha256(" ".join(command).encode()).hexdigest()[:16]
        if not self._is_there(name, inputs):
            self.steps.run(f"bootstrap {name}", lambda: self._bootstrap(name, command, inputs), about="15 s")

    def distribution(self) -> None:
        """Build what Debian's own packages are enough for: Python, and the stores."""
        self.python()
        self.base(NEWER_DEBIAN)
        for name, debian in STORES.items():
            self.build(name, IMAGES / _last_of(name), {}, arguments={"BASE_IMAGE": debian}, about="15 s")

    def python(self) -> None:
        """Build what the service's image is built on, and what installs its wheels."""
        self.base(PYTHONS_DEBIAN)
        for name, target in ((PYTHON, "runtime"), (PYTHON_BUILD, "build")):
            arguments = {"BASE_IMAGE": PYTHONS_DEBIAN}
            self.build(name, IMAGES / "python", {}, target=target, arguments=arguments, about="20 s")

    def node(self) -> str:
        """Build the node image with the control plane's images inside, and return its name."""
        name = f"{BUILT_NODE}:{version_of('k8s.io/kubernetes')}"
        images = self._control_plane()
        with tempfile.TemporaryDirectory(dir=self.cache) as folder:
            context = Path(folder)
            kind = self.binaries.source("sigs.k8s.io/kind")
            shutil.copytree(kind / "images" / "base" / "files", context / "kind", copy_function=shutil.copyfile)
            for path in context.rglob("*"):
                executable = path.is_dir() or path.parent.name == "bin"
                path.chmod(0o755 if executable else 0o644)
            _link_all(context / "bin", self.binaries, ("kubernetes", "containerd", "ctr", "containerd-shim-runc-v2"))
            _link_all(context / "cni", self.binaries, ("ptp", "loopback", "host-local", "portmap"))
            (context / "manifests").mkdir()
            (context / "manifests" / "default-storage.yaml").write_text(_storage_manifest(kind), encoding="utf-8")
            (context / "version").write_text(version_of("k8s.io/kubernetes"), encoding="utf-8")
            (context / "images").mkdir()
            inputs = _digest(context, IMAGES / "node", extra=(*map(self._id, images), str(self.can_raise_limits)))
            if not self._is_there(name, inputs):
                self.steps.run(
                    "pack the control plane's images",
                    lambda: self.steps.command(
                        "docker-save", ["docker", "save", "-o", context / "images" / "control-plane.tar", *images]
                    ),
                    about="5 s",
                )
                self._build(
                    name,
                    IMAGES / "node",
                    context,
                    inputs,
                    about="40 s",
                    arguments={
                        "BASE_IMAGE": DEBIAN,
                        "SANDBOX_IMAGE": next(image for image in images if "/pause:" in image),
                        "RESTRICT_OOM_SCORE_ADJ": str(not self.can_raise_limits).lower(),
                    },
                )
        return name

    def add_ons(self, fetched: Mapping[str, Path]) -> tuple[str, ...]:
        """Build the add-ons' images around their binaries, of which some are `fetched`, and return their names."""
        names = [self.add_on(add_on.image, fetched) for add_on in ADD_ONS if add_on.image]
        return (*names, *STORES)

    def add_on(self, image: Image, fetched: Mapping[str, Path] | None = None) -> str:
        """Build one add-on's image around its binaries, and return its name."""
        binaries = {name: (fetched or {}).get(name) or self.binaries[name] for name in image.binaries}
        arguments = {"BASE_IMAGE": image.base} if image.base else {}
        self.build(image.name, image.folder, binaries, arguments=arguments, about="3 s")
        return image.name

    def build(  # noqa: PLR0913 - each is one thing of an image
        self,
        name: str,
        folder: Path,
        files: Mapping[str, Path],
        *,
        about: str,
        arguments: Mapping[str, str] | None = None,
        target: str = "",
    ) -> None:
        """Build the image of a folder as `name`, with `files` (path in the context to source) beside its Dockerfile."""
        with tempfile.TemporaryDirectory(dir=self.cache) as temporary:
            context = Path(temporary)
            for path, source in files.items():
                (context / path).parent.mkdir(parents=True, exist_ok=True)
                _link(source, context / path)
            base = self._id(arguments["BASE_IMAGE"]) if arguments else ""
            inputs = _digest(context, folder, extra=(base, str(arguments), target))
            if not self._is_there(name, inputs):
                self._build(name, folder, context, inputs, about=about, arguments=arguments or {}, target=target)

    def _build(  # noqa: PLR0913 - likewise
        self,
        name: str,
        folder: Path,
        context: Path,
        inputs: str,
        *,
        about: str,
        arguments: Mapping[str, str],
        target: str = "",
    ) -> None:
        shutil.copytree(folder, context, dirs_exist_ok=True)
        command = ["docker", "build", "--tag", name, "--label", f"{_LABEL}={inputs}"]
        for key, value in arguments.items():
            command += ["--build-arg", f"{key}={value}"]
        if target:
            command += ["--target", target]
        self.steps.run(
            f"build image {name}",
            lambda: self.steps.command("docker-build", [*command, context], env=build_environment(BUILD)),
            about=about,
        )

    def _control_plane(self) -> tuple[str, ...]:
        """Build the images that kubeadm asks for, under the names it asks for."""
        listed = self.steps.command(
            "kubeadm",
            [self._as("kubeadm"), "config", "images", "list", "--kubernetes-version", version_of("k8s.io/kubernetes")],
        ).split()
        storage = re.findall(
            r"image: (\S+)|--helper-image\n\s+- (\S+)", _storage_manifest(self.binaries.source("sigs.k8s.io/kind"))
        )
        provisioner, helper = storage[0][0], storage[1][1]
        names = {_last_of(name): name for name in listed}
        self.build(
            names["kube-apiserver"],
            IMAGES / "kubernetes",
            self._named_links(),
            arguments={"BASE_IMAGE": DEBIAN},
            about="15 s",
        )
        for component in ("kube-controller-manager", "kube-scheduler", "kube-proxy"):
            self.steps.command("docker-tag", ["docker", "tag", names["kube-apiserver"], names[component]])
        self.steps.command("docker-tag", ["docker", "tag", DEBIAN, helper])
        self.build(names["pause"], IMAGES / "pause", {"pause": self._pause()}, about="2 s")
        self.build(names["etcd"], IMAGES / "etcd", {"etcd": self.binaries["etcd"]}, about="3 s")
        self.build(names["coredns"], IMAGES / "coredns", {"coredns": self.binaries["coredns"]}, about="3 s")
        self.build(
            provisioner,
            IMAGES / "local-path-provisioner",
            {"local-path-provisioner": self.binaries["local-path-provisioner"]},
            about="3 s",
        )
        return (*names.values(), provisioner, helper)

    def _named_links(self) -> dict[str, Path]:
        names = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
        return {"bin/kubernetes": self.binaries["kubernetes"], **{f"bin/{name}": self._as(name) for name in names}}

    def _as(self, name: str) -> Path:
        """Return the Kubernetes binary under one of its names: a relative link beside it."""
        link = self.binaries["kubernetes"].with_name("names") / name
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(Path("..") / "kubernetes")
        return link

    def _pause(self) -> Path:
        source = self.binaries.source("k8s.io/kubernetes") / "build" / "pause" / "linux" / "pause.c"
        target = self.binaries["kubernetes"].with_name("pause")
        if not target.exists():
            self.steps.command("pause", ["gcc", "-Os", "-static", "-s", "-DVERSION=local", "-o", target, source])
        return target

    def _bootstrap(self, name: str, command: Sequence[str], inputs: str) -> None:
        archive = self.cache / "debian.tar"
        archive.unlink(missing_ok=True)
        self.steps.command("mmdebstrap", [*command, archive])
        self.steps.command("docker-import", ["docker", "import", "--change", f"LABEL {_LABEL}={inputs}", archive, name])
        archive.unlink()

    def _id(self, image: str) -> str:
        return self.steps.command(
            "docker-inspect", ["docker", "image", "inspect", "--format", "{{.Id}}", image]
        ).strip()

    @staticmethod
    def _is_there(name: str, inputs: str) -> bool:
        found = subprocess.run(
            ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{_LABEL}"}}}}', name],
            capture_output=True,
            text=True,
            check=False,
        )
        return found.returncode == 0 and found.stdout.strip() == inputs


def _last_of(name: str) -> str:
    """Return the last part of an image's name, without its tag."""
    return name.rpartition("/")[2].partition(":")[0]


def build_environment(mode: str) -> dict[str, str]:
    """Return the environment for `docker build`.

    Building from source takes the builder that an engine of any age has. Elsewhere it is the engine's own, as newer
    ones lose the old; without attestations, which containerd's store keeps in the image, and `docker save` leaves out.
    """
    return {**os.environ, **({"DOCKER_BUILDKIT": "0"} if mode == BUILD else {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"})}


def _storage_manifest(kind: Path) -> str:
    """Return the storage provisioner's manifest that kind compiles into its own node images."""
    text = (kind / "pkg" / "build" / "nodeimage" / "const_storage.go").read_text(encoding="utf-8")
    constants = dict(re.findall(r'const (\w+) = "([^"]+)"', text))
    manifest = text.partition("const defaultStorageManifest = `")[2].rpartition("`")[0]
    return re.sub(r"` \+ (\w+) \+ `", lambda match: constants[match.group(1)], manifest)


def _link_all(folder: Path, binaries: Binaries, names: tuple[str, ...]) -> None:
    folder.mkdir()
    for name in names:
        _link(binaries[name], folder / name)


def _link(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink().name)
    else:
        target.hardlink_to(source)


def _digest(*folders: Path, extra: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\0".join(extra).encode())
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            digest.update(str(path.relative_to(folder)).encode())
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]
