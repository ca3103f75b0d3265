import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from loadtests import wheel
from service.dev import free_port
from tests.collector import NOT_SAMPLED, SAMPLED, SPAN_ID, TRACE_ID, Collector
from tests.service_process import read

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
UV = str(Path(sys.executable).with_name("uv"))
SHOP = """\
import asyncio
from fastapi import FastAPI
from fleet import Fleet, FleetSettings, cached, limited
app = FastAPI()
fleet = Fleet(app, FleetSettings(prefix="SHOP_"))
@app.get("/items/{item}")
@cached("item:{item}", seconds=30)
async def read(item: int, _: None = limited(3, per_seconds=60)) -> dict[str, int]:
    await asyncio.sleep(item)
    return {"item": item}
"""
SLOW = 2  # the item that takes so many seconds


# What of it waits for an extra, and for which package of that.
OF_EXTRAS = {
    "fleet.observability.trace_ids": "opentelemetry.sdk",
    "fleet.server.granian": "granian",
    "fleet.server.gunicorn": "gunicorn",
}
IMPORTED = """\
import importlib, json, pkgutil, fleet
missing = {}
for module in pkgutil.walk_packages(fleet.__path__, "fleet."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        missing[module.name] = error.name
print(json.dumps(missing))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return wheel.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(built: Path) -> Path:
    """An interpreter like this one that has the wheel, what it needs and nothing else."""
    return _installed(built.with_name("plain"), str(built))


@pytest.fixture(scope="module")
def tracing_python(built: Path) -> Path:
    """One that has the extra for traces too."""
    return _installed(built.with_name("tracing"), f"{built}[tracing]")


def _installed(environment: Path, requirement: str) -> Path:
    python = environment / "bin" / "python"
    install = f"pip install --quiet --python {python} --constraint {ROOT}/requirements.lock {requirement}"
    for command in (f"venv --quiet --python {sys.executable} {environment}", install):
        ended = subprocess.run([UV, *command.split()], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
    return python


def _command(python: Path, folder: Path) -> list[str]:
    (folder / "shop.py").write_text(SHOP)
    return [str(python), "-m", "fleet", "shop:app", "--prefix", "SHOP_"]


@contextmanager
def _serving(python: Path, folder: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    environment = {"SHOP_PORT": str(port), "PATH": os.environ["PATH"], **variables}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_command(python, folder), cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while _status(port, "/readyz") != 200:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield process, port
    finally:
        process.kill()
        process.wait()


def _status(port: int, path: str) -> int | None:
    try:
        return _get(port, path)[0]
    except OSError:
        return None


def _get(port: int, path: str, headers: Mapping[str, str] = {}) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        return read(connection.getresponse())
    finally:
        connection.close()


def test_ten_lines_have_a_limit_a_cache_and_a_drain(python: Path, tmp_path: Path) -> None:
    """Installed without the repository: a second read is a hit, a fourth is refused, and SIGTERM cuts no request."""
    assert len(SHOP.splitlines()) <= 10
    with _serving(python, tmp_path, SHOP_SHUTDOWN_DELAY_SECONDS="3") as (process, port):
        first, second = _get(port, "/items/0"), _get(port, "/items/0")
        answers: list[tuple[int, dict[str, str], bytes]] = []
        under_way = threading.Thread(target=lambda: answers.append(_get(port, f"/items/{SLOW}")))
        under_way.start()
        time.sleep(SLOW / 2)
        refused = _get(port, "/items/0")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        draining = _get(port, "/readyz")
        under_way.join()
        assert process.wait(timeout=30) == 0
    assert [(each[0], each[1]["x-cache"]) for each in (first, second)] == [(200, "MISS"), (200, "L1")]
    assert (refused[0], refused[1]["content-type"]) == (429, "application/problem+json")
    assert json.loads(refused[2])["violated-policies"] == ["shop.read"]
    assert (draining[0], json.loads(draining[2])) == (503, {"status": "stopping"})
    assert draining[1]["connection"] == "close"
    ((status, _, body),) = answers
    assert (status, json.loads(body)) == (200, {"item": SLOW})


def test_without_extras_all_is_there_but_what_they_are_for(python: Path) -> None:
    """Each module is imported, and each of those that are not says which package it waits for."""
    ended = subprocess.run([str(python), "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == OF_EXTRAS


def test_traces_without_their_extra_are_refused(python: Path, tmp_path: Path) -> None:
    """The start ends, and says what to install."""
    environment = {"SHOP_OTEL_ENABLED": "true", "PATH": os.environ["PATH"]}
    command = _command(python, tmp_path)
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 64
    assert ended.stderr.startswith("error: OTEL_ENABLED needs OpenTelemetry's packages: install fastapi-fleet[tracing]")


def test_a_request_is_in_its_callers_trace(tracing_python: Path, tmp_path: Path, collector: Collector) -> None:
    """By variables alone: a span where the caller records, none where it does not, the trace's id in both log lines."""
    variables = {
        "SHOP_OTEL_ENABLED": "true",
        "SHOP_OTEL_ENDPOINT": collector.url,
        "SHOP_OTEL_SAMPLE_RATIO": "1",
        "SHOP_ACCESS_LOG_SAMPLE_RATIO": "1",
        "SHOP_SHUTDOWN_DELAY_SECONDS": "0",
    }
    with _serving(tracing_python, tmp_path, **variables) as (process, port):
        assert [_get(port, "/items/0", headers)[0] for headers in (SAMPLED, NOT_SAMPLED)] == [200, 200]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    (span,) = collector.spans
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("GET /items/{item}", TRACE_ID, SPAN_ID)
    (sender,) = collector.senders
    assert sender["service.name"] == "shop"
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    recorded, other = [line for line in lines if line["message"] == "GET /items/0 200"]
    assert recorded["trace_id"] == other["trace_id"] == TRACE_ID
    assert recorded["span_id"] == span.span_id.hex() != other["span_id"]


def test_an_application_on_it_is_checked_by_its_types(python: Path, tmp_path: Path) -> None:
    """The strictest check passes with the wheel alone, and finds a mistake."""
    for name, lines in {"shop.py": SHOP, "wrong.py": SHOP.replace('prefix="SHOP_"', "prefix=7")}.items():
        (tmp_path / name).write_text(lines)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        f"--python-executable={python}",
        f"--cache-dir={tmp_path}/mypy",
    ]
    ended = [
        subprocess.run([*command, name], cwd=tmp_path, capture_output=True, text=True, check=False)
        for name in ("shop.py", "wrong.py")
    ]
    assert [each.returncode for each in ended] == [0, 1], ended[0].stdout
    assert 'Argument "prefix" to "FleetSettings" has incompatible type "int"' in ended[1].stdout
