import hashlib
import io
import tarfile
import urllib.request
from pathlib import Path

import pytest
import yaml

from k8s.cluster import downloads, host_tools
from k8s.cluster.descriptor import ADD_ONS, Chart
from k8s.cluster.mirror import Mirror
from k8s.cluster.steps import StepError
from tests.pull import published_files

_CHARTS = {add_on.name: add_on.chart for add_on in ADD_ONS if add_on.chart}
_SYSTEM = "linux-amd64"


@pytest.mark.parametrize("tool", host_tools.read(), ids=lambda tool: tool.name)
def test_a_program_is_fetched_from_where_it_is_put(
    tool: host_tools.Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is fetched by the checksum of what was put there is the program, out of its archive."""
    monkeypatch.setattr(host_tools, "this_system", lambda: _SYSTEM)
    root = tmp_path / "mirror"
    digest = published_files.write_program(root, tool, b"a program", _SYSTEM)
    pins = {} if tool.checksums else {_SYSTEM: digest}
    other = host_tools.Tool(tool.name, tool.version, tool.url, tool.member, pins, tool.checksums)
    monkeypatch.setattr(host_tools, "read", lambda: (other,))
    with published_files.files(root) as (url, asked):
        found = host_tools.fetch(tmp_path / "cache", Mirror(downloads=url))
    assert found[tool.name].read_bytes() == b"a program"
    assert all(line.startswith("200 /") for line in asked)


def test_another_program_than_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the pins of a checkout must be those of what is served."""
    monkeypatch.setattr(host_tools, "this_system", lambda: _SYSTEM)
    root = tmp_path / "mirror"
    for tool in host_tools.read():
        published_files.write_program(root, tool, b"a program", _SYSTEM)
    with published_files.files(root) as (url, _), pytest.raises(StepError, match="another file than was pinned"):
        host_tools.fetch(tmp_path / "cache", Mirror(downloads=url))


@pytest.mark.parametrize("name", [path.name for path in sorted(published_files.CHARTS.iterdir())])
def test_an_index_names_an_archive_that_is_there(name: str, tmp_path: Path) -> None:
    """By an address relative to it, with its digest; in it are the chart, its kinds, and that it is a double."""
    published_files.write_chart(tmp_path, name, _CHARTS[name], {"one.yaml": "kind: A\n"})
    folder = tmp_path / _CHARTS[name].repository.removeprefix("https://")
    entry = yaml.safe_load((folder / "index.yaml").read_text())["entries"][name][0]
    content = (folder / entry["urls"][0]).read_bytes()
    assert (entry["version"], entry["digest"]) == (_CHARTS[name].version, hashlib.sha256(content).hexdigest())
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        names = archive.getnames()
        chart = archive.extractfile(f"{name}/Chart.yaml")
        assert chart is not None
        assert "double" in yaml.safe_load(chart.read())["description"]
    assert f"{name}/kinds/one.yaml" in names
    assert any(one.startswith(f"{name}/templates/") for one in names)


def test_each_chart_of_pull_mode_with_traefik_has_a_double() -> None:
    """ingress-nginx has none: its controller is not built here."""
    doubles = {path.name for path in published_files.CHARTS.iterdir()}
    assert doubles == {add_on.name for add_on in ADD_ONS if add_on.chart and add_on.ingress in {"", "traefik"}}


def test_what_is_not_there_is_kept_as_asked_for(tmp_path: Path) -> None:
    """With its status, so that a test sees what pull mode wants and the mirror lacks."""
    with published_files.files(tmp_path) as (url, asked):
        with pytest.raises(downloads.DownloadError, match="404"):
            downloads.text(f"{url}/dl.k8s.io/a")
        (tmp_path / "b").write_text("c")
        assert urllib.request.urlopen(f"{url}/b").read() == b"c"
    assert [line for line in asked if line.startswith(("404 ", "200 "))] == ["404 /dl.k8s.io/a", "200 /b"]


def test_a_chart_keeps_to_its_repository(tmp_path: Path) -> None:
    """An address with a path has the index below it, as a mirror of that host has it."""
    published_files.write_chart(tmp_path, "keda", Chart("https://a.example.com/charts", "1.0.0"), {})
    assert (tmp_path / "a.example.com" / "charts" / "index.yaml").exists()
