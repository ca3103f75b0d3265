import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

import service
from service.dev import free_port
from tests import postgres_process
from tests.postgres_process import as_settings
from tests.redis_process import NO_REDIS, PATIENT_SECONDS

ROOT = Path(__file__).parents[1]
START_SECONDS = 60
PATIENT: dict[str, object] = {"redis_call_timeout_seconds": 2, **as_settings(postgres_process.PATIENT)}
"""Where what a busy machine takes longer for is not what is tested."""


class ServiceProcess:
    """`python -m service` with settings of its own, on a loopback port; ended by SIGTERM when the block is left."""

    module = service.__name__

    def __init__(self, log: Path, **settings: object) -> None:
        self.port = free_port()
        self._log = log
        defaults = {
            "port": self.port,
            "redis_url": NO_REDIS,
            "redis_connect_timeout_seconds": PATIENT_SECONDS,
            "redis_call_timeout_seconds": PATIENT_SECONDS,
            "shutdown_delay_seconds": 0,
        }
        values = {**defaults, **settings}
        self._environment = {f"USERS_API_{name.upper()}": _as_variable(value) for name, value in values.items()}

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                cwd=ROOT,
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> int:
        """Send SIGTERM, unless it has ended, and return the exit status; one that does not end is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._kill()
            raise

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of a GET on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            return read(connection.getresponse())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """Return a connection to write bytes to."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    @property
    def records(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def _kill(self) -> None:
        """End it, and its workers, whatever they are at."""
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended by itself
            workers = psutil.Process(self.process.pid).children(recursive=True)
            self.process.kill()
            for worker in workers:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()
            psutil.wait_procs(workers, timeout=30)
        self.process.wait()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.get("/readyz")[0] == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"the service did not start within {START_SECONDS} s:\n{self._log.read_text()}")


@contextmanager
def side_by_side(count: int, folder: Path, **settings: object) -> Iterator[list[ServiceProcess]]:
    """Run so many processes of the same settings, patient and without a rate limit."""
    common = {"rate_limit_enabled": False, **PATIENT, **settings}
    with ExitStack() as stack:
        yield [stack.enter_context(ServiceProcess(folder / f"{n}.log", **common)) for n in range(count)]


def read(response: HTTPResponse) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers (names in lower case) and body."""
    return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def read_to_end(connection: socket.socket) -> bytes:
    """Return all that comes until the other side closes."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def _as_variable(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
