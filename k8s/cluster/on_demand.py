"""Images that tests install, and that nobody publishes: compiled in a container, so the host needs no Go.

Where the cluster is built from source they are built with it.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import published
from k8s.cluster.descriptor import ADD_ONS, AddOn
from k8s.cluster.group import COMPONENTS
from k8s.cluster.images import IMAGES, build_environment
from k8s.cluster.kind import Kind, made
from k8s.cluster.mirror import Mirror
from k8s.cluster.modes import PULL
from k8s.cluster.steps import Steps

_COMPILED = "localhost/compiled"


@dataclass(frozen=True)
class OnDemand:
    """The images of add-ons that are always built."""

    kind: Kind
    steps: Steps
    mirror: Mirror

    def load(self) -> None:
        """Build them for the engine's architecture, and put them into the cluster; one that is built here has them."""
        if made() != PULL:
            return
        self.steps.directory.mkdir(parents=True, exist_ok=True)
        names = tuple(self._build(add_on) for add_on in ADD_ONS if add_on.always_built)
        self.steps.run("load the images", lambda: self.kind.load(names), about="5 s")

    def _build(self, add_on: AddOn) -> str:
        assert add_on.build  # noqa: S101 - what `always_built` means
        assert add_on.image  # noqa: S101 - likewise
        # Not in the cache: Snap's Docker reads no hidden folder.
        with tempfile.TemporaryDirectory(dir=self.steps.directory) as folder:
            context = Path(folder)
            (context / "components").mkdir()
            for name in ("go.mod", "go.sum"):
                shutil.copyfile(COMPONENTS / name, context / "components" / name)
            shutil.copyfile(IMAGES / "compiled" / "Dockerfile", context / "Dockerfile")
            arguments = {"GO_IMAGE": self.mirror.image(published.go_image()), "GOPROXY": os.environ.get("GOPROXY", "")}
            for binary, package in add_on.build.packages.items():
                self._compile(binary, package, context, arguments)
            shutil.copyfile(add_on.image.folder / "Dockerfile", context / "Dockerfile")
            self._docker("build", "--tag", add_on.image.name, context)
        return add_on.image.name

    def _compile(self, binary: str, package: str, context: Path, arguments: dict[str, str]) -> None:
        """Compile one binary, and take it out of the container."""
        given = [f"--build-arg={name}={value}" for name, value in {**arguments, "PACKAGE": package}.items()]
        image = f"{_COMPILED}:{binary}"
        self.steps.run(
            f"compile {binary} in a container",
            lambda: self._docker("build", "--tag", image, *given, context),
            about="3 min",
        )
        container = self._docker("create", image, "none").strip()
        self._docker("cp", f"{container}:/binary", context / binary)
        self._docker("rm", container)

    def _docker(self, *arguments: str | Path) -> str:
        return self.steps.command("docker-on-demand", ["docker", *arguments], env=build_environment(PULL))
