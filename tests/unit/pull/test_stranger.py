import subprocess
from pathlib import Path

import pytest

from k8s.cluster import host_tools, published
from tests.pull import stranger

_SYSTEM = "linux-amd64"
_DIGEST = f"sha256:{'0' * 64}"


def _pins() -> dict[str, str]:
    return stranger.pins(_DIGEST, {tool.name: f"{tool.name}-sum" for tool in host_tools.read()}, _SYSTEM)


def test_the_pins_that_are_replaced_are_those_of_contents() -> None:
    """The nodes' image and each program with a checksum; what is believed by its name alone stays as it is."""
    pinned = [tool.sha256[_SYSTEM] for tool in host_tools.read() if tool.sha256]
    assert list(_pins()) == [published.NODE.partition("@")[2], *pinned]


def test_a_checkout_differs_in_its_pins_alone(tmp_path: Path) -> None:
    """It is a repository of one commit, with all files of this one and nothing that git ignores."""
    stranger.check_out(tmp_path, _pins())
    changed = {
        str(path.relative_to(tmp_path))
        for path in tmp_path.rglob("*")
        if path.is_file()
        and ".git" not in path.relative_to(tmp_path).parts
        and path.read_bytes() != (stranger.ROOT / path.relative_to(tmp_path)).read_bytes()
    }
    assert changed == {"k8s/cluster/published.py", "k8s/cluster/host_tools.toml"}
    assert not (tmp_path / ".venv").exists()
    status = subprocess.run(("git", "status", "--short"), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert status.stdout == ""
    assert _DIGEST in (tmp_path / "k8s" / "cluster" / "published.py").read_text()


def test_a_pin_that_is_not_there_is_told(tmp_path: Path) -> None:
    """So no checkout asks for what the mirror has not."""
    for name in ("published.py", "host_tools.toml"):
        file = tmp_path / "k8s" / "cluster" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    with pytest.raises(AssertionError, match="sha256:ab is pinned in"):
        stranger.replace(tmp_path, {"sha256:ab": "sha256:cd"})
