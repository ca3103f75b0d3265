"""A user who is not root, with a checkout of their own and an empty home, in the group that may ask the engine."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import host_tools, published
from k8s.cluster.kind import CONTEXT
from tests.pull.command import run

ROOT = Path(__file__).resolve().parents[2]
_NOBODY = 65534
_SOCKET = Path("/var/run/docker.sock")
_PATH = "/usr/local/bin:/usr/bin:/bin"
"""As a login has it: without Go, which is in a folder of its own."""
_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "GOPROXY", "SSL_CERT_FILE")
_PINS = "k8s/cluster/published.py", "k8s/cluster/host_tools.toml"


def pins(digest: str, programs: Mapping[str, str], system: str) -> dict[str, str]:
    """Return all that the checkout is changed in: what is pinned here by its content, and what it is at this mirror.

    Args:
        digest: of the nodes' image.
        programs: the checksum of each program.
        system: whose programs they are.
    """
    pinned = {tool.name: tool.sha256[system] for tool in host_tools.read() if system in tool.sha256}
    node = published.NODE.partition("@")[2]
    return {node: digest, **{checksum: programs[name] for name, checksum in pinned.items()}}


def check_out(target: Path, changed: Mapping[str, str]) -> None:
    """Copy what git has or would have of this tree, with other pins, into a repository of one commit."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=ROOT).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    replace(target, changed)
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    for command in (("init", "--quiet"), ("add", "--all"), (*identity, "commit", "--quiet", "--message", "Begin")):
        run("git", *command, folder=target)


def replace(checkout: Path, changed: Mapping[str, str]) -> None:
    """Write the other pins; each must be there once."""
    texts = {name: (checkout / name).read_text(encoding="utf-8") for name in _PINS}
    for old, new in changed.items():
        found = [name for name, text in texts.items() if old in text]
        assert len(found) == 1, f"{old} is pinned in {found}"
        texts[found[0]] = texts[found[0]].replace(old, new)
    for name, text in texts.items():
        (checkout / name).write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Stranger:
    """The user.

    Attributes:
        home: theirs, with the checkout in it.
        settings: environment of all their commands, besides what a login gives.
    """

    home: Path
    settings: Mapping[str, str]

    @property
    def checkout(self) -> Path:
        """Where they type."""
        return self.home / "users-api"

    @property
    def cache(self) -> Path:
        """Where their programs and downloads are."""
        return self.home / ".cache" / "users-api"

    def own(self) -> None:
        """Give them all that lies in their home."""
        if os.geteuid() == 0:
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)

    def run(self, *command: str, log: Path | None = None) -> str:
        """Run a command in the checkout as this user; returns what it said, which is kept in `log` too."""
        done = subprocess.run(
            (*self._become(), *command),
            cwd=self.checkout,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if log is not None:
            log.write_text(done.stdout, encoding="utf-8")
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-6000:]}"
        return done.stdout

    def kubectl(self, *arguments: str) -> str:
        """Run the kubectl that was downloaded for this user."""
        return self.run(str(self.cache / "tools" / "kubectl"), "--context", CONTEXT, *arguments)

    @staticmethod
    def _become() -> Sequence[str]:
        if os.geteuid() != 0:
            return ()
        group = _SOCKET.stat().st_gid
        return ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", f"--groups={group}", "--no-new-privs")

    def _environment(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        passed |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        return {"HOME": str(self.home), "PATH": _PATH, "LANG": "C.UTF-8", **passed, **self.settings}
