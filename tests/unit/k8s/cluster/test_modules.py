import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from k8s.cluster import modules
from k8s.cluster.steps import StepError
from tests.unit.k8s.cluster.doubles import published

_MODULE, _VERSION = "example.com/Owner/manifests", "v1.2.3"
_ESCAPED = "example.com/!owner/manifests"


def _archive(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in (("go.mod", f"module {_MODULE}\n"), ("config/crd/b.yaml", "b: 1\n"), ("config/a.yaml", "")):
            packed.writestr(f"{_MODULE}@{_VERSION}/{name}", text)
    return path


def _pin(folder: Path, checksum: str) -> Path:
    (folder / "go.mod").write_text(f"module components\n\ngo 1.26.8\n\nrequire (\n\t{_MODULE} {_VERSION}\n)\n")
    (folder / "go.sum").write_text(f"{_MODULE} {_VERSION} {checksum}\n{_MODULE} {_VERSION}/go.mod h1:another\n")
    return folder


@pytest.mark.parametrize("others", [",direct", "|direct", "/,https://other.example.com|off"])
def test_a_pinned_module_comes_from_the_proxy_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    """By go.sum's checksum and under the proxy's spelling of capitals, into a folder of its version."""
    archive = _archive(tmp_path / "module.zip")
    pins = _pin(tmp_path, modules.checksum(archive))
    with published({f"/{_ESCAPED}/@v/{_VERSION}.zip": archive.read_bytes()}) as (url, asked):
        monkeypatch.setenv("GOPROXY", f"{url}{others}")
        found = modules.Modules(tmp_path / "cache", pins).source(_MODULE)
        assert modules.Modules(tmp_path / "cache", pins).source(_MODULE) == found
        assert len(asked) == 1
    assert (found / "config/crd/b.yaml").read_text() == "b: 1\n"
    assert [path.name for path in found.parent.iterdir()] == [found.name]


def test_another_module_than_was_pinned_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is unpacked."""
    archive = _archive(tmp_path / "module.zip")
    pins = _pin(tmp_path, "h1:pinned=")
    with published({f"/{_ESCAPED}/@v/{_VERSION}.zip": archive.read_bytes()}) as (url, _):
        monkeypatch.setenv("GOPROXY", url)
        with pytest.raises(StepError, match=r"is not what go\.sum pins.*h1:pinned= is right"):
            modules.Modules(tmp_path / "cache", pins).source(_MODULE)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_what_is_not_pinned_is_not_fetched(tmp_path: Path) -> None:
    """Neither without a version nor without a checksum."""
    pins = _pin(tmp_path, "h1:pinned=")
    with pytest.raises(StepError, match=r"names no version of example\.com/other"):
        modules.Modules(tmp_path, pins).source("example.com/other")
    (pins / "go.sum").write_text("")
    with pytest.raises(StepError, match=f"has no checksum of {_MODULE} {_VERSION}"):
        modules.Modules(tmp_path, pins).source(_MODULE)


@pytest.mark.skipif(shutil.which("go") is None, reason="needs the go command, as it is compared with it")
def test_the_checksum_is_the_one_that_go_makes(tmp_path: Path) -> None:
    """The go command, given the same archive by a proxy in a folder, says the same."""
    folder = tmp_path / "proxy" / _ESCAPED / "@v"
    archive = _archive(folder / f"{_VERSION}.zip")
    (folder / f"{_VERSION}.mod").write_text(f"module {_MODULE}\n")
    (folder / f"{_VERSION}.info").write_text(json.dumps({"Version": _VERSION}))
    environment = {
        **os.environ,
        "GOPROXY": f"file://{tmp_path / 'proxy'}",
        "GONOSUMDB": "*",
        "GOMODCACHE": str(tmp_path / "modules"),
        "GOFLAGS": "-modcacherw",
    }
    said = subprocess.run(
        ("go", "mod", "download", "-json", f"{_MODULE}@{_VERSION}"),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(said.stdout)["Sum"] == modules.checksum(archive)
