"""The mirror that pull mode is tried against, and the user who tries it."""

import os
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from k8s.cluster import docker, engine, host, host_tools, published, system
from k8s.cluster.binaries import Binaries
from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.engine import Engine
from k8s.cluster.kind import NAME, made
from k8s.cluster.mirror import Mirror
from k8s.cluster.modules import Modules
from k8s.cluster.steps import Steps
from tests.pull import published_files, published_images, registry, stranger
from tests.pull.stranger import Stranger

LOGS = stranger.ROOT / "build" / "pull"
BRIDGE = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
_LOOPBACK = "127.0.0.1"
_MADE_HERE = (f"{_LOOPBACK}:", "kindest/kindnetd:", "localhost/users-api:")


@dataclass(frozen=True)
class Served:
    """A mirror at work.

    Attributes:
        mirror: as a user names it.
        pins: what a checkout must have otherwise, for what is served.
        pulled: where what the engine asked the registry for is written, and what the nodes asked.
        downloaded: status and path of what was downloaded.
    """

    mirror: Mirror
    pins: dict[str, str]
    pulled: tuple[Path, Path]
    downloaded: list[str]


@pytest.fixture(scope="session")
def cache() -> Path:
    """Return the cache of `make kind-up`, which has what images are made of."""
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("CACHE_DIR") or base / "users-api")


@pytest.fixture(scope="session")
def steps() -> Steps:
    """Keep the logs of what is done for the mirror."""
    shutil.rmtree(LOGS, ignore_errors=True)
    return Steps(LOGS)


@pytest.fixture(scope="session")
def with_engine(cache: Path, steps: Steps) -> Iterator[None]:
    """Have an engine without a cluster, with our images in it; one that is started here is stopped."""
    started = bool(docker.ask().trouble) and system.is_debian_as_root() and not engine.missing_tools()
    local = Engine(cache, steps)
    if started:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it outlives what has started it
            local.ensure(can_raise_limits=host.look().can_raise_limits)
    try:
        if made():
            pytest.fail(f"there is a cluster {NAME}, and this makes one of that name: `make kind-down`", pytrace=False)
        if missing := [name for name in published_images.needed() if not docker.is_there(name)]:
            text = f"these are what the mirror is made of, and are not built: {', '.join(missing)}"
            pytest.fail(f"{text}: `make kind-up kind-down MODE=build` builds them", pytrace=False)
        with _kept_names():
            yield
    finally:
        if started:
            local.stop()


@pytest.fixture(scope="session")
def served(cache: Path, steps: Steps, with_engine: None) -> Iterator[Served]:  # noqa: ARG001 - see above
    """Serve all that pull mode asks for."""
    binaries = Binaries(cache, steps)
    program = binaries.build_group(registry.GROUP) / "registry"
    gateways = steps.command("bridge", ["docker", "network", "inspect", "--format", BRIDGE, "bridge"]).split()
    bridge = next(address for address in gateways if ":" not in address)
    images = registry.Registry(program, cache / "pull", _free_port())
    with ExitStack() as stack:
        stack.enter_context(images.serving(_LOOPBACK, bridge))
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address, downloaded = stack.enter_context(published_files.files(root))
        mirror = Mirror(f"{_LOOPBACK}:{images.port}", address)
        pins = _fill(root, mirror, cache, steps)
        downloaded.clear()
        logs = (images.log(_LOOPBACK), images.log(bridge))
        for log in logs:
            os.truncate(log, 0)  # what was pushed is not what was asked for
        try:
            yield Served(mirror, pins, logs, downloaded)
        finally:
            name, _, digest = published.NODE.partition("@")
            remove = ("docker", "image", "rm", "--no-prune", mirror.image(f"{name}@{pins[digest]}"))
            subprocess.run(remove, capture_output=True, check=False)  # it has no tag, and so no name below


@pytest.fixture(scope="session")
def user(served: Served) -> Iterator[Stranger]:
    """Log in as a user with a fresh checkout; their cluster goes with them, and their logs stay."""
    with tempfile.TemporaryDirectory(prefix="users-api-") as home:
        settings = {
            "MODE": "pull",
            "INGRESS": "traefik",
            "IMAGE_MIRROR": served.mirror.images,
            "DOWNLOAD_MIRROR": served.mirror.downloads,
        }
        one = Stranger(Path(home), settings)
        one.checkout.mkdir()
        stranger.check_out(one.checkout, served.pins)
        one.own()
        try:
            yield one
        finally:
            if made():
                one.run("make", "kind-down", log=LOGS / "kind-down.log")
            if (one.checkout / "build").exists():
                shutil.copytree(one.checkout / "build", LOGS / "build", ignore_dangling_symlinks=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:  # noqa: ANN401 - as pluggy has it
    """Keep what the cluster says when a test has failed."""
    report = yield
    one = item.funcargs.get("user") if isinstance(item, pytest.Function) else None
    if report.failed and isinstance(one, Stranger) and (one.cache / "tools" / "kubectl").exists():
        for name, command in {
            "pods": ("get", "pods", "--all-namespaces", "--output=wide"),
            "events": ("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"),
        }.items():
            (LOGS / f"{item.name}-{name}.txt").write_text(_said(one, *command), encoding="utf-8")
        if made():
            _try(lambda: one.run("make", "logs"))
    return report


def _fill(root: Path, mirror: Mirror, cache: Path, steps: Steps) -> dict[str, str]:
    """Put programs, charts and images there; returns the pins of a checkout that is to take them."""
    binaries = Binaries(cache, steps)
    here = host_tools.this_system()
    ours = {"kubectl": "kubernetes"}  # which is kubectl under that name
    sums = {
        tool.name: published_files.write_program(
            root, tool, binaries[ours.get(tool.name, tool.name)].read_bytes(), here
        )
        for tool in host_tools.read()
    }
    modules = Modules(cache)
    for add_on in ADD_ONS:
        if add_on.chart and (published_files.CHARTS / add_on.name).exists():
            upstream = add_on.upstream
            folder = modules.source(upstream.module) / upstream.folder if upstream else None
            kinds = _kinds(folder, cache / "tools" / "kubectl", steps) if folder else {}
            published_files.write_chart(root, add_on.name, add_on.chart, kinds)
    digest = steps.run(
        "push the images", lambda: published_images.push(mirror, modules.source("sigs.k8s.io/kind")), about="4 min"
    )
    return stranger.pins(digest, sums, here)


def _kinds(folder: Path, kubectl: Path, steps: Steps) -> dict[str, str]:
    """Return what defines kinds in the folder of an upstream module: as its kustomization has it, or its files."""
    if (folder / "crd" / "kustomization.yaml").exists():
        return {"kinds.yaml": steps.command("kustomize", [kubectl, "kustomize", folder / "crd"])}
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.yaml"))}


@contextmanager
def _kept_names() -> Iterator[None]:
    """Give back what our names stood for, as pull mode gives them to what it pulls, and forget the mirror's names."""
    before = _names()
    try:
        yield
    finally:
        for name, image in _names().items():
            if name in before and before[name] != image:
                subprocess.run(("docker", "tag", before[name], name), check=True)
            elif name not in before and name.startswith(_MADE_HERE):
                subprocess.run(("docker", "image", "rm", "--no-prune", name), check=True, capture_output=True)


def _names() -> dict[str, str]:
    listed = subprocess.run(
        ("docker", "images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {name: image for name, image in (line.split() for line in listed.splitlines()) if "<none>" not in name}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def _said(one: Stranger, *command: str) -> str:
    return _try(lambda: one.kubectl(*command))


def _try(action: Callable[[], str]) -> str:
    try:
        return action()
    except AssertionError as error:
        return str(error)
