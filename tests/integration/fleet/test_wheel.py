import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from loadtests import wheel
from service.dev import free_port
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


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter like this one that has the wheel, what it needs and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    environment = folder / "environment"
    python = environment / "bin" / "python"
    built = wheel.build(folder)
    install = f"pip install --quiet --python {python} --constraint {ROOT}/requirements.lock {built}"
    for command in (f"venv --quiet --python {sys.executable} {environment}", install):
        ended = subprocess.run([UV, *command.split()], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
    return python


@contextmanager
def _serving(python: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    (folder / "shop.py").write_text(SHOP)
    port = free_port()
    environment = {"SHOP_PORT": str(port), "SHOP_SHUTDOWN_DELAY_SECONDS": "3", "PATH": os.environ["PATH"]}
    command = [str(python), "-m", "fleet", "shop:app", "--prefix", "SHOP_"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
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


def _get(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return read(connection.getresponse())
    finally:
        connection.close()


def test_ten_lines_have_a_limit_a_cache_and_a_drain(python: Path, tmp_path: Path) -> None:
    """Installed without the repository: a second read is a hit, a fourth is refused, and SIGTERM cuts no request."""
    assert len(SHOP.splitlines()) <= 10
    with _serving(python, tmp_path) as (process, port):
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
