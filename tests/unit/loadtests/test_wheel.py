import tomllib
import zipfile
from pathlib import Path

import pytest

from loadtests import wheel
from service import __version__


def test_the_wheel_has_the_library_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of its modules, that it has types, and the licence; nothing of users, and no file of the build."""
    monkeypatch.setattr("sys.argv", ["wheel", str(tmp_path)])
    assert wheel.main() == 0
    built = Path(capsys.readouterr().out.strip())
    with zipfile.ZipFile(built) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    modules = {path.relative_to(wheel.LIBRARY.parent).as_posix() for path in wheel.LIBRARY.rglob("*.py")}
    packaged = {name for name in names if not name.startswith("fastapi_fleet-")}
    assert packaged == modules | {"fleet/py.typed"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_has_the_service_s_version() -> None:
    """They come from one repository, and are changed together."""
    project = tomllib.loads((wheel.LIBRARY / wheel.PROJECT).read_text())["project"]
    assert project["version"] == __version__
