import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster.binaries import Binaries
from k8s.cluster.steps import StepError, Steps

KWOK = Path(__file__).resolve().parent / "kwok"
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclass(frozen=True)
class Programs:
    """Paths of what a simulation runs, built once and kept in the cache of the local cluster."""

    kubernetes: Path
    etcd: Path
    helm: Path
    kwok: Path

    @classmethod
    def build(cls, cache: Path, steps: Steps) -> "Programs":
        """Build what the cache lacks: 6 min on two cores where there was never a cluster, else 1 min, once.

        Raises:
            StepError: a compiler or a helper program is missing, or the compiler failed.
        """
        if shutil.which("setpriv") is None:
            raise StepError("missing: setpriv. It is a part of util-linux: on Debian, apt-get install util-linux")
        binaries = Binaries(cache, steps)
        binaries.build_groups("Kubernetes", "etcd", "Helm")
        return cls(binaries["kubernetes"], binaries["etcd"], binaries["helm"], _kwok(cache, steps))

    def link(self, folder: Path) -> dict[str, Path]:
        """Put a link for each component into `folder`: the binary becomes the one whose name it is called by."""
        folder.mkdir(parents=True, exist_ok=True)
        links = {name: folder / name for name in COMPONENTS}
        for link in links.values():
            link.unlink(missing_ok=True)
            link.symlink_to(self.kubernetes)
        return links


def _kwok(cache: Path, steps: Steps) -> Path:
    version = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, check=True).stdout
    key = hashlib.sha256(version + (KWOK / "go.mod").read_bytes() + (KWOK / "go.sum").read_bytes()).hexdigest()[:12]
    binary = cache / "kwok" / key / "kwok"

    def compile_it() -> None:
        environment = {**os.environ, "CGO_ENABLED": "0", "GOGC": "400", "GOFLAGS": ""}
        fresh = binary.with_suffix(".fresh")
        command: list[str | Path] = [
            "go",
            "build",
            "-trimpath",
            "-ldflags",
            "-s -w",
            "-o",
            fresh,
            "sigs.k8s.io/kwok/cmd/kwok",
        ]
        steps.command("go-build", command, cwd=KWOK, env=environment)
        fresh.replace(binary)

    if not binary.exists():
        binary.parent.mkdir(parents=True, exist_ok=True)
        steps.run("compile kwok", compile_it, about="1 min")
    return binary
