import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster.steps import StepError, Steps

ROOT = Path(__file__).resolve().parent.parent
RELEASES = {"bookworm": "3.11", "trixie": "3.13", "forky": "3.14"}
"""Debian's releases, and the Python that each has."""
_NEEDED = ("mmdebstrap", "unshare", "chroot")
# The archive of a release that is still in the making says until when it is to be used, and mirrors may be older.
_MMDEBSTRAP = ("mmdebstrap", "--variant=minbase", '--aptopt=Acquire::Check-Valid-Until "false"')


@dataclass(frozen=True)
class DebianRoot:
    """A Debian in a folder, with its Python and what unit tests start; the host is Debian, and this runs as root.

    Attributes:
        release: by its name, from `RELEASES`.
        cache: where its folder is; what is there stays.
    """

    release: str
    cache: Path
    steps: Steps

    @property
    def python(self) -> str:
        """The interpreter, as it is called inside."""
        return f"/usr/bin/python{RELEASES[self.release]}"

    def bootstrap(self) -> None:
        """Install it, unless it is there. The host's keyring vouches for it.

        Raises:
            StepError: the host lacks a program or the rights, or the mirror has no such release.
        """
        if self._folder.exists():
            return
        if missing := [name for name in _NEEDED if shutil.which(name) is None]:
            raise StepError(f"no {missing[0]} for a Debian of its own: sudo apt-get install mmdebstrap util-linux")
        if os.geteuid() != 0:
            raise StepError("a Debian of its own needs root")
        partial = self._folder.with_suffix(".part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        python = f"python{RELEASES[self.release]}"
        included = f"--include=ca-certificates,git,make,openssl,{python},{python}-venv"
        command = (*_MMDEBSTRAP, included, self.release, partial)
        self.steps.run(f"bootstrap {self.release}", lambda: self.steps.command("mmdebstrap", command), about="1 min")
        partial.rename(self._folder)

    def inside(self, *folders: Path) -> Sequence[str]:
        """Return what goes before a command for it to run inside, in the checkout, with these of the host's folders."""
        shown = dict.fromkeys((ROOT, (ROOT / ".venv").resolve(), _git(), *folders))
        return ("bash", str(ROOT / "tests/in-debian.sh"), str(self._folder), *map(str, shown), "--")

    @property
    def _folder(self) -> Path:
        return self.cache / "debian" / self.release


def _git() -> Path:
    """Return where the history is: outside of the checkout, if that is a further work tree."""
    command = ["git", "rev-parse", "--path-format=absolute", "--git-common-dir"]
    return Path(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip())
