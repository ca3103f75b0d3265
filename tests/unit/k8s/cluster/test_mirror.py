import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from k8s.cluster import published
from k8s.cluster.descriptor import ADD_ONS, FOLDERS
from k8s.cluster.mirror import REGISTRIES, Mirror
from k8s.cluster.steps import StepError
from tests.unit.k8s.cluster.doubles import MACOS, UBUNTU, Machine, System

_MIRROR = Mirror("mirror.example.com/all", "https://mirror.example.com/files")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("redis:7.4", "docker.io/library/redis:7.4"),
        ("prom/prometheus:v3", "docker.io/prom/prometheus:v3"),
        ("ghcr.io/kedacore/keda:2", "ghcr.io/kedacore/keda:2"),
        ("registry.k8s.io/a/b/c:1", "registry.k8s.io/a/b/c:1"),
        ("localhost:5000/a:1", "localhost:5000/a:1"),
        ("kindest/node:v1@sha256:ab", "docker.io/kindest/node:v1@sha256:ab"),
    ],
)
def test_an_image_is_under_the_name_of_its_registry(name: str, found: str) -> None:
    """What docker leaves out of a name is written out; without a mirror the name stays."""
    assert _MIRROR.image(name) == f"mirror.example.com/all/{found}"
    assert Mirror().image(name) == name


def test_a_download_is_under_the_name_of_its_host() -> None:
    """Without a mirror, or without an address, nothing is changed."""
    assert _MIRROR.url("https://dl.k8s.io/a/kubectl") == "https://mirror.example.com/files/dl.k8s.io/a/kubectl"
    assert _MIRROR.url("") == ""
    assert Mirror().url("https://dl.k8s.io/a") == "https://dl.k8s.io/a"


@pytest.mark.parametrize(
    "images",
    ["https://mirror.example.com", "mirror.example.com/", "mirror", "mirror/folder", "mirror.example.com/All", "a.b c"],
)
def test_what_is_no_registry_is_refused(images: str) -> None:
    """The error names the setting, and says how it is written."""
    with pytest.raises(StepError, match=r"IMAGE_MIRROR=.* is no registry: write it as docker does"):
        Mirror(images=images)


@pytest.mark.parametrize(
    "downloads",
    ["mirror.example.com", "http://mirror.example.com", "https://mirror.example.com/", "https://a.b/?c=d", "https://"],
)
def test_what_is_no_safe_address_is_refused(downloads: str) -> None:
    """Charts have no checksum here, so who can change them on the way can change the cluster."""
    with pytest.raises(StepError, match=r"DOWNLOAD_MIRROR=.* is no address of a mirror: write it as in https://"):
        Mirror(downloads=downloads)


@pytest.mark.parametrize("images", ["127.0.0.1:5000", "localhost:5000/a", "mirror.example.com:8443/a_b/c-d"])
def test_what_docker_takes_is_taken(images: str) -> None:
    """With a port, with folders, and on this host."""
    assert Mirror(images=images).images == images


def test_a_node_is_told_the_folder_of_each_registry() -> None:
    """By https, and in the place of the registry itself, which a node behind a firewall would wait for."""
    told = tomllib.loads(_MIRROR.told_to_nodes("quay.io", "172.17.0.1"))
    assert told["server"] == "https://mirror.example.com/v2/all/quay.io"
    assert told["override_path"]


def test_a_mirror_on_this_host_has_another_address_in_a_node() -> None:
    """A node's 127.0.0.1 is its own."""
    told = tomllib.loads(Mirror(images="127.0.0.1:5000").told_to_nodes("docker.io", "172.17.0.1"))
    assert told["server"] == "http://172.17.0.1:5000/v2/docker.io"


def test_each_image_is_of_a_registry_that_nodes_are_told_of() -> None:
    """A registry that is named anew here is told to the nodes too."""
    named = (published.NODE, published.PYTHON, *published.IMAGES.values())
    for name in named:
        assert Mirror(images="127.0.0.1:5000").image(name).split("/")[1] in REGISTRIES


@pytest.mark.parametrize("system", [UBUNTU, MACOS], ids=lambda system: system.name)
def test_a_cluster_comes_up_behind_a_mirror(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker, Helm, the nodes and what is downloaded all ask the mirror, and nobody asks the makers' own hosts."""
    machine = Machine(system, tmp_path, monkeypatch)
    with machine.internet("makers.example.com") as url:
        machine.local(mirror=Mirror("127.0.0.1:5000", url)).up()
    assert machine.read("cluster").strip() == f"127.0.0.1:5000/docker.io/{published.NODE}"
    pulled = [call.split()[-1] for call in machine.calls("docker") if call.split()[1] == "pull"]
    assert pulled
    assert all(name.startswith("127.0.0.1:5000/") for name in pulled)
    assert all(path.startswith("/makers.example.com/") for path in machine.asked)
    charts = [call for call in machine.calls("helm") if " --repo " in call]
    assert len(charts) == len([add_on for add_on in ADD_ONS if add_on.chart])
    assert all(f"--repo {url}/" in call for call in charts)
    for registry in REGISTRIES:
        assert f'server = "http://172.17.0.1:5000/v2/{registry}"' in machine.read("given-to-nodes")


def test_without_a_mirror_nodes_are_told_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They pull from the registries themselves."""
    machine = Machine(UBUNTU, tmp_path, monkeypatch)
    with machine.internet():
        machine.local().up()
    assert not machine.read("given-to-nodes").count("server =")


def test_make_hands_the_mirror_on(tmp_path: Path) -> None:
    """What cannot be one is told in one line before anything is looked at; make has it from its environment too."""
    for entry in FOLDERS.parent.iterdir():
        if entry.name not in (".venv", "build"):
            (tmp_path / entry.name).symlink_to(entry)
    said = subprocess.run(
        ("make", "--dry-run", "kind-up"),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "IMAGE_MIRROR": "a.b/c", "DOWNLOAD_MIRROR": "d"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "--image-mirror a.b/c --download-mirror d up" in said
    command = (sys.executable, "-m", "k8s.cluster", "--download-mirror", "d", "--output", str(tmp_path / "up"), "up")
    done = subprocess.run(command, cwd=FOLDERS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: DOWNLOAD_MIRROR=d is no address of a mirror")
