"""What is downloaded in pull mode, as a tree of files: programs, and charts in their repositories.

Each is under the name of its own host, as a mirror has it. The programs are ours, compiled; the charts are doubles.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from k8s.cluster import host_tools
from k8s.cluster.descriptor import Chart
from tests.http_server import serving

CHARTS = Path(__file__).with_name("charts")
CREATED = "2026-01-01T00:00:00Z"
"""In each index: Helm wants one, and asks nothing of it."""


def write_program(root: Path, tool: host_tools.Tool, program: bytes, system: str) -> str:
    """Put a program where its makers have it, in an archive if they have it in one; returns the file's SHA-256."""
    words = tool.words(system)
    content = program if not tool.member else _archive({tool.member.format(**words): program})
    file = _place(root, tool.url.format(**words))
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    if tool.checksums:
        _place(root, tool.checksums.format(**words)).write_text(f"{digest}  {file.name}\n", encoding="utf-8")
    return digest


def write_chart(root: Path, name: str, chart: Chart, kinds: Mapping[str, str]) -> None:
    """Put the double of a chart into its repository, with the definitions of its kinds by file name."""
    about = {
        "apiVersion": "v2",
        "name": name,
        "version": chart.version,
        "appVersion": chart.version,
        "description": f"A double of the published chart {name}: its names and some of its values, no more.",
    }
    folder = CHARTS / name
    files = {f"{name}/Chart.yaml": yaml.safe_dump(about).encode()}
    files |= {
        f"{name}/{path.relative_to(folder)}": path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    files |= {f"{name}/kinds/{file}": text.encode() for file, text in kinds.items()}
    content = _archive(files)
    repository = _place(root, f"{chart.repository}/index.yaml")
    archive = repository.with_name(f"{name}-{chart.version}.tgz")
    archive.write_bytes(content)
    entry = {**about, "created": CREATED, "digest": hashlib.sha256(content).hexdigest(), "urls": [archive.name]}
    index = {"apiVersion": "v1", "generated": CREATED, "entries": {name: [entry]}}
    repository.write_text(yaml.safe_dump(index), encoding="utf-8")


class _Files(ThreadingHTTPServer):
    """Serves a folder, and keeps what was asked for."""

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(root)))
        self.asked: list[str] = []


class _Handler(SimpleHTTPRequestHandler):
    server: _Files

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Keep the path, and print nothing."""
        self.server.asked.append(f"{args[1]} {self.path}" if len(args) > 1 else format % args)


@contextmanager
def files(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a tree on loopback while the block runs; gives its address, and the answers with their paths."""
    server = _Files(root)
    with serving(server) as url:
        yield url, server.asked


def _place(root: Path, url: str) -> Path:
    file = root / url.partition("://")[2]
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _archive(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
