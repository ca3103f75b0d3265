import hashlib
import os
import re
from pathlib import Path

import pytest

from k8s.cluster import host_tools, published
from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.downloads import DownloadError
from k8s.cluster.mirror import Mirror
from k8s.cluster.modules import version_of
from k8s.cluster.steps import StepError, Steps
from tests.unit.k8s.cluster.doubles import archive
from tests.unit.k8s.cluster.doubles import published as serving

_SYSTEMS = {f"{name}-{arch}" for name in ("linux", "darwin") for arch in ("amd64", "arm64")}
_PROGRAM = b"#!/bin/sh\n"


def _system(monkeypatch: pytest.MonkeyPatch, kernel: str, machine: str) -> None:
    monkeypatch.setattr("platform.system", lambda: kernel)
    monkeypatch.setattr("platform.machine", lambda: machine)


def _pin(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (folder / "pins.toml").write_text(text)
    monkeypatch.setattr(host_tools, "PINS", folder / "pins.toml")


def test_each_tool_is_pinned_for_each_system() -> None:
    """By its SHA-256, or by a list of its makers' over https; each system's is another file."""
    for tool in host_tools.read():
        assert set(tool.sha256) == _SYSTEMS or tool.checksums.startswith("https://")
        assert all(re.fullmatch("[0-9a-f]{64}", checksum) for checksum in tool.sha256.values())
        assert len(set(tool.sha256.values())) == len(tool.sha256)
        assert tool.url.startswith("https://")


def test_tools_are_of_the_versions_that_the_rest_has() -> None:
    """That is kind and Helm as compiled, kubectl as the nodes, promtool as the Prometheus that is pulled."""
    versions = {tool.name: tool.version for tool in host_tools.read()}
    (prometheus,) = [add_on.image for add_on in ADD_ONS if add_on.name == "prometheus"]
    assert prometheus
    assert versions == {
        "kind": version_of("sigs.k8s.io/kind"),
        "helm": version_of("helm.sh/helm/v3"),
        "kubectl": published.NODE.partition("@")[0].rpartition(":")[2],
        "promtool": prometheus.published.rpartition(":")[2],
    }


@pytest.mark.parametrize(
    ("kernel", "machine", "system"),
    [
        ("Linux", "x86_64", "linux-amd64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Darwin", "x86_64", "darwin-amd64"),
    ],
)
def test_the_file_for_this_system_is_fetched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str, machine: str, system: str
) -> None:
    """It can be run, and is not fetched again."""
    _system(monkeypatch, kernel, machine)
    packed = archive(f"{system}/helm", _PROGRAM)
    with serving({f"/v3/helm-3-{system}.tar.gz": packed}) as (url, asked):
        _pin(
            tmp_path,
            monkeypatch,
            f'[helm]\nversion = "v3"\nurl = "{url}/{{version}}/helm-{{number}}-{{os}}-{{arch}}.tar.gz"\n'
            f'member = "{{os}}-{{arch}}/helm"\nsha256 = {{ {system} = "{hashlib.sha256(packed).hexdigest()}" }}\n',
        )
        found = host_tools.fetch(tmp_path / "cache", Mirror())["helm"]
        assert host_tools.fetch(tmp_path / "cache", Mirror()) == {"helm": found}
        assert len(asked) == 1
    assert found.read_bytes() == _PROGRAM
    assert os.access(found, os.X_OK)


def test_another_file_than_was_pinned_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names both checksums, and it is no error that compiling is tried for."""
    _system(monkeypatch, "Linux", "x86_64")
    pinned = "0" * 64
    with serving({"/kind": _PROGRAM}) as (url, _):
        _pin(
            tmp_path,
            monkeypatch,
            f'[kind]\nversion = "v1"\nurl = "{url}/kind"\nsha256 = {{ linux-amd64 = "{pinned}" }}\n',
        )
        with pytest.raises(StepError, match=pinned) as raised:
            host_tools.fetch(tmp_path / "cache", Mirror())
    assert not isinstance(raised.value, DownloadError)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize("listed", [True, False])
def test_a_tool_without_a_pin_is_held_to_its_makers_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, listed: bool
) -> None:
    """A file that the list does not name is not taken."""
    _system(monkeypatch, "Linux", "aarch64")
    checksum = hashlib.sha256(_PROGRAM).hexdigest()
    name = "tool-linux-arm64" if listed else "tool-linux-amd64"
    with serving({"/tool-linux-arm64": _PROGRAM, "/sums": f"{checksum}  {name}\n".encode()}) as (url, asked):
        pins = f'[tool]\nversion = "v1"\nurl = "{url}/tool-{{os}}-{{arch}}"\nchecksums = "{url}/sums"\n'
        _pin(tmp_path, monkeypatch, pins)
        if listed:
            assert host_tools.fetch(tmp_path / "cache", Mirror())["tool"].read_bytes() == _PROGRAM
        else:
            with pytest.raises(StepError, match="names no SHA-256 of tool-linux-arm64"):
                host_tools.fetch(tmp_path / "cache", Mirror())
            assert asked == ["/sums"]


def test_an_archive_without_the_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a list's checksum is of may be laid out otherwise than when the tool was pinned."""
    _system(monkeypatch, "Linux", "x86_64")
    packed = archive("other/tool", _PROGRAM)
    with serving({"/tool.tar.gz": packed}) as (url, _):
        pins = f'[tool]\nversion = "v1"\nurl = "{url}/tool.tar.gz"\nmember = "{{os}}-{{arch}}/tool"\n[tool.sha256]\n'
        _pin(tmp_path, monkeypatch, f'{pins}linux-amd64 = "{hashlib.sha256(packed).hexdigest()}"\n')
        with pytest.raises(StepError, match="has no file linux-amd64/tool"):
            host_tools.fetch(tmp_path / "cache", Mirror())


@pytest.mark.parametrize(("kernel", "machine"), [("FreeBSD", "amd64"), ("Linux", "riscv64")])
def test_a_system_that_nobody_publishes_for_is_told(monkeypatch: pytest.MonkeyPatch, kernel: str, machine: str) -> None:
    """The error names it, and those there are."""
    _system(monkeypatch, kernel, machine)
    with pytest.raises(StepError, match=f"{kernel} on {machine}: use Linux or macOS"):
        host_tools.this_system()


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, Path]:
    """Return a built kind and a built kubectl."""
    built = {name: tmp_path / "built" / name for name in ("kind", "kubectl")}
    (tmp_path / "built").mkdir()
    for program in built.values():
        program.write_bytes(_PROGRAM)
        program.chmod(0o755)
    return built


def test_tools_are_linked_for_everybody_where_the_host_has_none(
    tools: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What make has on PATH from the cache is none of the host's; what the host has stays."""
    everybodys, own, folder = tmp_path / "everybodys", tmp_path / "own", tmp_path / "cache/tools"
    for path in (everybodys, own, folder):
        path.mkdir(parents=True)
    (own / "kubectl").symlink_to(tools["kubectl"])
    (everybodys / "kind").symlink_to(tmp_path / "cache/deleted")
    monkeypatch.setattr(host_tools, "_EVERYBODYS", everybodys)
    monkeypatch.setenv("PATH", f"{folder}:{everybodys}:{own}")
    for _ in range(2):
        host_tools.link(tools, folder, Steps(tmp_path / "output"))
        assert (folder / "kind").resolve() == tools["kind"]
        assert (everybodys / "kind").resolve() == tools["kind"]
        assert not (everybodys / "kubectl").exists()


def test_where_links_cannot_be_made_the_folder_is_said(
    tools: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who is not root reads what to put on PATH."""
    folder, steps = tmp_path / "cache/tools", Steps(tmp_path / "output")
    monkeypatch.setattr(host_tools, "_EVERYBODYS", tmp_path / "nowhere")
    monkeypatch.setenv("PATH", str(folder))
    host_tools.link(tools, folder, steps)
    host_tools.say_where(folder, steps)
    assert f"export PATH={folder}:$PATH" in capsys.readouterr().out
    monkeypatch.setenv("PATH", str(tmp_path / "built"))
    host_tools.say_where(folder, steps)
    assert "kubectl" not in capsys.readouterr().out
