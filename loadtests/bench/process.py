import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.contestants import Contestant
from loadtests.bench.cores import pinned
from loadtests.errors import LoadTestError
from service.dev import free_port, redis_server

START_SECONDS = 20


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    contestant: Contestant
    pid: int
    port: int
    # From before the interpreter was started to the end of the first answer.
    start_seconds: float

    @property
    def url(self) -> str:
        """What every contestant answers with the same user."""
        return f"http://127.0.0.1:{self.port}/api/users/1"

    def require_tier(self) -> None:
        """Raise a LoadTestError unless the answer comes from the cache tier that the contestant is named for."""
        found = _get(self.port)[1]
        if found != self.contestant.tier:
            raise LoadTestError(f"{self.contestant.label} answers from {found}, not from {self.contestant.tier}")

    def rss_bytes(self) -> int:
        """Resident memory of the server's processes; granian has two."""
        return sum(_rss_bytes(pid) for pid in (self.pid, *_children(self.pid)))


@contextmanager
def redis(core: int, folder: Path) -> Iterator[str]:
    """Run a Redis of the benchmark's own on one core; yields its URL."""
    port = free_port()
    command = [str(redis_server()), "--port", str(port), "--save", "", "--appendonly", "no", "--loglevel", "warning"]
    with _process(pinned(command, core), {}, folder / "redis.log"):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def serve(contestant: Contestant, core: int, redis_url: str, logs: Path) -> Iterator[Running]:
    """Run one contestant on one core until the block ends.

    Raises:
        LoadTestError: it ended or did not answer in time; the message shows the end of its log.
    """
    port = free_port()
    values = {"port": str(port), "redis_url": redis_url}
    command = [word.format(**values) for word in contestant.command]
    environment = {name: value.format(**values) for name, value in contestant.environment.items()}
    log = logs / f"{contestant.name}-{contestant.server}.log"
    started = time.perf_counter()
    with _process(pinned(command, core), environment, log) as process:
        _await_answer(process, port, log)
        yield Running(contestant, process.pid, port, time.perf_counter() - started)


@contextmanager
def _process(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("USERS_API_")}
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**own, **environment}, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LoadTestError(f"{log.stem} ended at its start: {log.read_text()[-1000:]}")
        if _answers(port):
            return
        time.sleep(0.005)
    raise LoadTestError(f"{log.stem} did not answer within {START_SECONDS} s: {log.read_text()[-1000:]}")


def _answers(port: int) -> bool:
    try:
        return _get(port)[0] == http.client.OK
    except OSError:
        return False


def _get(port: int) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/api/users/1", headers={"authorization": "Bearer test-token"})
        response = connection.getresponse()
        return response.status, response.headers["x-cache"]
    finally:
        connection.close()


def _rss_bytes(pid: int) -> int:
    resident_pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return resident_pages * os.sysconf("SC_PAGE_SIZE")


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()]
