"""Doubles of the systems that `make up` runs on, as no such machine is where these tests run.

A system is what Python says of it, where the kernel's files are, and the programs on PATH. The programs are stubs: each
keeps what it was called with, and `docker` and `kind` a state in files. So the tests show the order of the steps, what
is asked of whom, and what is said; that the real programs do what they are asked, only a real machine shows.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from k8s.cluster import host, host_tools, modules
from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.mirror import Mirror
from k8s.cluster.steps import Steps
from k8s.cluster.up import Local
from tests.http_server import Quiet, serving

_HEAD = '#!/bin/sh\nPATH=/usr/bin:/bin\nSTATE={state}\necho "$(basename "$0") $*" >>"$STATE/calls"\n'
_DOCKER = """
case "$1 $2" in
"info --format")
  if [ -f "$STATE/trouble" ]; then cat "$STATE/trouble" >&2; exit 1; fi
  cat "$STATE/info";;
"image inspect")
  shift 2
  if [ "$1" = --format ]; then
    shift 2
    for image in "$@"; do echo "sha256:$image"; done
  else
    grep -qxF "$1" "$STATE/images"
  fi;;
"container inspect") cat "$STATE/cluster" 2>/dev/null;;
pull*)
  for image in "$@"; do :; done
  if [ -f "$STATE/hangs" ]; then exec sleep 60; fi
  if [ -f "$STATE/pull-trouble" ]; then cat "$STATE/pull-trouble" >&2; exit 1; fi
  echo "$image" >>"$STATE/images";;
"network inspect") echo "fd00::1 172.17.0.1 ";;
"save --output") touch "$3";;
"create "*) echo container;;
"cp "*) touch "$3";;
"exec --interactive") cat >>"$STATE/given-to-nodes";;
esac
"""
_KIND = """
case "$1 $2" in
"get clusters") [ ! -f "$STATE/cluster" ] || echo users-api;;
"get nodes") echo users-api-control-plane; echo users-api-worker;;
"create cluster")
  while [ "$1" != --image ]; do
    if [ "$1" = --config ]; then cp "$2" "$STATE/kind-config.yaml"; fi
    shift
  done
  echo "$2" >"$STATE/cluster";;
"delete cluster") rm -f "$STATE/cluster";;
esac
"""
_KUBECTL = """
case "$*" in
*" get nodes "*) echo True; echo True; echo True;;
*" get services "*) echo '{"items": []}';;
esac
"""
PUBLISHED = {"kind": _KIND, "kubectl": _KUBECTL, "helm": "", "promtool": ""}


@dataclass(frozen=True)
class System:
    """What a system is told from.

    Attributes:
        programs: on PATH besides bash's own; none of them does anything but the ones above.
        proc: whether the kernel shows itself in /proc.
    """

    name: str
    kernel: str
    machine: str
    engine: str
    programs: tuple[str, ...]
    user_id: int = 1000
    proc: bool = True
    published_for: str = "linux-amd64"


SYSTEMS = (
    System("ubuntu-24.04", "Linux", "x86_64", "x86_64", ("docker", "apt-get")),
    System("github-runner", "Linux", "x86_64", "x86_64", ("docker", "apt-get", "go"), user_id=1001),
    System("debian-12", "Linux", "x86_64", "x86_64", ("docker", "apt-get")),
    System("debian-13", "Linux", "aarch64", "aarch64", ("docker", "apt-get"), published_for="linux-arm64"),
    System(
        "macos-arm64",
        "Darwin",
        "arm64",
        "aarch64",
        ("docker", "brew"),
        user_id=501,
        proc=False,
        published_for="darwin-arm64",
    ),
)
UBUNTU, MACOS = SYSTEMS[0], SYSTEMS[-1]


class _Published(ThreadingHTTPServer):
    """Serves files, and keeps what was asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.asked: list[str] = []


class _Handler(Quiet, BaseHTTPRequestHandler):
    server: _Published

    def do_GET(self) -> None:
        """Answer with the file of this path."""
        self.server.asked.append(self.path)
        found = self.server.files.get(self.path)
        self.send_response(404 if found is None else 200)
        self.end_headers()
        self.wfile.write(found or b"")


@contextmanager
def published(files: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Serve files by their path on loopback; gives the address and the paths that were asked for."""
    server = _Published(files)
    with serving(server) as url:
        yield url, server.asked


def archive(member: str, content: bytes) -> bytes:
    """Return a compressed tar with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as opened:
        entry = tarfile.TarInfo(member)
        entry.size = len(content)
        opened.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@dataclass
class Machine:
    """A double of a machine, with its programs and their state under `folder`."""

    system: System
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put programs and state there, and have Python see this system."""
        for name in ("state", "bin", "root", "cache"):
            (self.folder / name).mkdir()
        for name in ("calls", "images"):
            (self.state / name).touch()
        info = {"Architecture": self.system.engine, "CgroupVersion": "2", "DockerRootDir": "/var/lib/docker"}
        self.write("info", json.dumps(info))
        for name in self.system.programs:
            self.program(name, {"docker": _DOCKER}.get(name, ""))
        (self.folder / "bin" / "sh").symlink_to("/bin/sh")
        if self.system.proc:
            (self.folder / "root/proc/self").mkdir(parents=True)
            (self.folder / "root/proc/self/status").write_text("CapBnd:\t000001ffffffffff\n")
        self.monkeypatch.setattr("platform.system", lambda: self.system.kernel)
        self.monkeypatch.setattr("platform.machine", lambda: self.system.machine)
        self.monkeypatch.setattr(os, "geteuid", lambda: self.system.user_id)
        self.monkeypatch.setattr(host, "_ROOT", self.folder / "root")
        self.monkeypatch.setattr(host, "port_is_free", lambda _port: True)
        self.monkeypatch.setattr(host, "free_bytes", lambda _path: 1 << 40)
        self.monkeypatch.setattr(host_tools, "_EVERYBODYS", self.folder / "nowhere")
        self.monkeypatch.setenv("PATH", str(self.folder / "bin"))

    @property
    def state(self) -> Path:
        """The folder of what the stubs know."""
        return self.folder / "state"

    def write(self, name: str, text: str) -> None:
        """Have the stubs know something."""
        (self.state / name).write_text(text)

    def read(self, name: str) -> str:
        """Return what the stubs know."""
        return (self.state / name).read_text() if (self.state / name).exists() else ""

    def program(self, name: str, script: str) -> None:
        """Put a program on PATH."""
        self._install(self.folder / "bin" / name, script)

    def calls(self, program: str) -> list[str]:
        """Return what a program was called with, in order."""
        return [line for line in self.read("calls").splitlines() if line.startswith(f"{program} ")]

    def local(self, mode: str = "auto", mirror: Mirror | None = None) -> Local:
        """Return the cluster of this machine."""
        cache = self.folder / "cache"
        return Local(cache, cache / "tools", mode, "auto", Steps(self.folder / "output"), mirror or Mirror())

    def have_cluster(self, node: str) -> None:
        """Have a cluster of that node image, and its tools."""
        self.write("cluster", node)
        tools = self.local().tools
        tools.mkdir()
        for name, script in PUBLISHED.items():
            self._install(tools / name, script)

    @contextmanager
    def internet(self, host: str = "") -> Iterator[str]:
        """Have the programs published for this system, pinned as they are, and the modules' manifests in the cache.

        Gives their address. With a `host` that is a mirror's, and their own is that host, which nobody reaches.
        """
        files, pins = {}, ""
        for name, script in PUBLISHED.items():
            content = (_HEAD.format(state=self.state) + script).encode()
            packed = archive(f"{self.system.published_for}/{name}", content) if name == "helm" else content
            files[f"{host and '/'}{host}/{name}-{self.system.published_for}"] = packed
            pins += (
                f'[{name}]\nversion = "v1"\nurl = "URL/{name}-{{os}}-{{arch}}"\n'
                + ('member = "{os}-{arch}/helm"\n' if name == "helm" else "")
                + f'sha256 = {{ {self.system.published_for} = "{hashlib.sha256(packed).hexdigest()}" }}\n'
            )
        for add_on in ADD_ONS:
            if add_on.upstream and not add_on.chart:
                version = modules.version_of(add_on.upstream.module, pinned_in=add_on.upstream.pinned_in)
                folder = self.folder / "cache/modules" / f"{add_on.upstream.module}@{version}" / add_on.upstream.folder
                folder.mkdir(parents=True)
        with published(files) as (url, self.asked):
            (self.folder / "pins.toml").write_text(pins.replace("URL", f"https://{host}" if host else url))
            self.monkeypatch.setattr(host_tools, "PINS", self.folder / "pins.toml")
            yield url

    def _install(self, path: Path, script: str) -> None:
        path.unlink(missing_ok=True)
        path.write_text(_HEAD.format(state=self.state) + script)
        path.chmod(0o755)
