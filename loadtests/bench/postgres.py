import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.bench.cores import pinned
from loadtests.bench.wrk import Measurement
from loadtests.errors import LoadTestError
from service.database import DatabaseConfig
from service.dev import free_port
from service.dev.postgres import LocalPostgres, folder
from service.migrate import migrate
from service.seed import seed


@contextmanager
def postgres(core: int, users: int) -> Iterator[str]:
    """Run a PostgreSQL of the benchmark's own on one core, with so many users; yields its URL."""
    with folder() as place:
        server = LocalPostgres(place / "data", free_port())
        server.create()
        server.start()
        try:
            database = DatabaseConfig(server.url())
            asyncio.run(migrate(database))
            asyncio.run(seed(database, users))
            server.run("psql", "--quiet", "--command=VACUUM ANALYZE", server.url())
            if server.process is not None:
                os.sched_setaffinity(server.process.pid, {core})  # what it starts from now on is there too
            yield database.url
        finally:
            server.stop()


class LookUps:
    """The process that looks users up in each of the ways, one way at a time."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self._log = log

    def turn(self, way: str, seconds: int) -> Measurement:
        """Have it look up in one way for so long.

        Raises:
            LoadTestError: it ended; the message shows the end of its log.
        """
        assert self._process.stdin is not None  # noqa: S101 - it has both
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(f"{way} {seconds}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise LoadTestError(f"looking up by {way} ended: {self._log.read_text()[-1000:]}")
        return Measurement(**json.loads(line))


@contextmanager
def look_ups(core: int, url: str, logs: Path) -> Iterator[LookUps]:
    """Run that process on one core, connected to `url` in each of the ways."""
    log = logs / "lookups.log"
    command = pinned([sys.executable, "-m", "loadtests.bench.lookups", url], core)
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield LookUps(process, log)
        finally:
            process.terminate()
