import atexit
import contextlib
import functools
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
from psycopg import OperationalError, pq

from service.dev import free_port
from service.dev.postgres import SUPERUSER, LocalPostgres, folder

PATIENT = {"wait_seconds": 10.0, "connect_timeout_seconds": 5.0, "operation_timeout_seconds": 20.0}
"""A `DatabaseConfig`'s limits where time limits are not what is tested: a busy machine's pauses are no failures."""
HURRIED = {"wait_seconds": 1.0, "connect_timeout_seconds": 1.0, "operation_timeout_seconds": 2.0}
"""Where the server is silent, and a limit has to run out."""
_DONE = {pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.EMPTY_QUERY}


class PostgresProcess(LocalPostgres):
    """A real PostgreSQL server on a loopback port, with the ways in which one goes wrong."""

    def __init__(self, folder: Path, *options: str, name: str = "primary") -> None:
        super().__init__(folder / name, free_port(), *options)

    def create(self) -> None:
        """Make the files of an empty server, as a copy: to make them anew takes more of a core than most tests."""
        self.run("/bin/cp", "-R", "-p", str(_empty_server()), str(self.data))

    def kill(self) -> None:
        """SIGKILL all its processes: connections are reset, new ones refused, what was not on disk is lost."""
        processes = self._processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if self.process is not None:
            self.process.wait()
            self.process = None
        psutil.wait_procs(processes, timeout=30)

    def freeze(self) -> None:
        """SIGSTOP all its processes: the kernel goes on accepting, and no byte ever comes back."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End the freeze."""
        self._signal(signal.SIGCONT)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Carry out statements on a connection of its own; the rows as `psql -At` writes them.

        By libpq in this process, as tests ask so often that to start psql for each took minutes.

        Raises:
            OperationalError: the server takes no connection, or refuses a statement.
        """
        connection = pq.PGconn.connect(self.url(database).encode())
        try:
            if connection.status != pq.ConnStatus.OK:
                raise OperationalError(connection.get_error_message())
            connection.send_query(statement.encode())
            return "\n".join(_rows(connection)).strip()
        finally:
            connection.finish()

    def replica(self, *options: str, name: str = "replica") -> "PostgresProcess":
        """Return a streaming replica, cloned from this server as it is now; not yet started."""
        replica = PostgresProcess(self.data.parent, *options, name=name)
        self.run("pg_basebackup", f"--pgdata={replica.data}", "--write-recovery-conf", "--no-sync", "--checkpoint=fast",
                 f"--dbname={self.url()}")  # fmt: skip
        return replica

    def promote(self) -> None:
        """Make a replica a primary."""
        self.run("pg_ctl", "promote", f"--pgdata={self.data}", "--wait")

    def backends(self, database: str) -> int:
        """How many clients are connected to `database`."""
        return int(self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'"))  # noqa: S608

    def has_caught_up(self, replica: "PostgresProcess") -> bool:
        """Whether `replica` has replayed all that is committed here now."""
        position = self.sql("SELECT pg_current_wal_flush_lsn()")
        try:
            return replica.sql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == "t"
        except OperationalError:
            return False

    def _is_ready(self) -> bool:
        return pq.PGconn.ping(self.url().encode()) == pq.Ping.OK

    def _processes(self) -> list[psutil.Process]:
        if self.process is None:
            return []
        postmaster = psutil.Process(self.process.pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def _signal(self, number: signal.Signals) -> None:
        # The postmaster first when stopping: what it has not started can't run on.
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


def _rows(connection: pq.abc.PGconn) -> Iterator[str]:
    """Take what a connection gets for its statements, to the end."""
    while (result := connection.get_result()) is not None:
        if result.status not in _DONE:
            raise OperationalError(result.get_error_message())
        for row in range(result.ntuples):
            yield "|".join((result.get_value(row, column) or b"").decode() for column in range(result.nfields))


@functools.cache
def _empty_server() -> Path:
    """Return the files of a server that nobody has started, made once for all tests of this process."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    server = LocalPostgres(stack.enter_context(folder()) / "empty", port=0)
    server.create()
    return server.data


@contextlib.contextmanager
def started() -> Iterator[PostgresProcess]:
    """Run an empty server for a block."""
    with folder() as path:
        process = PostgresProcess(path)
        process.create()
        process.start()
        yield process
        process.kill()


def as_settings(limits: Mapping[str, float]) -> dict[str, object]:
    """The same limits as settings of the service."""
    return {f"database_{name}": limit for name, limit in limits.items()}


def name_of(url: str) -> str:
    """The database that a URL names."""
    return url.rpartition("/")[2]


__all__ = ["HURRIED", "PATIENT", "SUPERUSER", "PostgresProcess", "as_settings", "name_of"]
