import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from service.dev.postgres import LocalPostgres, server_user

SCRIPTS = Path(__file__).resolve().parents[1] / "chart" / "files" / "postgresql"
PATIENCE_SECONDS = 180
# What the chart takes from its values, but for what would slow a test down.
VALUES = """
listen_addresses = '127.0.0.1'
max_connections = 30
shared_buffers = '16MB'
fsync = off
wal_retrieve_retry_interval = '100ms'
wal_receiver_status_interval = '1s'
"""


class PostgresPod(LocalPostgres):
    """A server that the chart's scripts run, with real programs and without Kubernetes; its files outlive it."""

    def __init__(self, folder: Path, script: str, port: int, *, primary: int, replicas: tuple[int, ...]) -> None:
        super().__init__(folder / "data", port)
        self._script = script
        self.folder = folder
        self.environment = {
            "PATH": f"{self._programs}:{os.environ['PATH']}",
            "PGDATA": str(self.data),
            "PGHOST": str(folder / "run"),
            "PGPORT": str(port),
            "PRIMARY": f"127.0.0.1:{primary}",
            "REPLICAS": " ".join(f"127.0.0.1:{replica}" for replica in replicas),
            "WATCH_SECONDS": "0.2",
            "DATABASE": "users",
        }
        for role in ("owner", "app", "monitor", "replication"):
            self.environment[f"{role.upper()}_USERNAME"] = f"users_{role}"
            self.environment[f"{role.upper()}_PASSWORD"] = f"secret of {role}"
        self._lend(folder / "run", SCRIPTS)

    def begin(self) -> None:
        """Start the script, as the kubelet does, and wait for nothing."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command(self._script),
                user=server_user(),
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(self) -> None:
        """Start it unless it runs, and wait until it is ready."""
        if self.process is None:
            self.begin()
        self.until(lambda: self.carry_out("ready.sh").returncode == 0)

    def exits(self) -> int:
        """Wait for the end of the script; returns its exit status."""
        assert self.process
        status = self.process.wait(PATIENCE_SECONDS)
        self.process = None
        return status

    def stop(self) -> None:
        """Stop it unless it has ended."""
        if self.process is not None:
            self.stop_in_order()

    def stop_in_order(self) -> int:
        """Stop it as the kubelet does, with the image's own signal; returns its exit status."""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        return self.exits()

    def end(self) -> None:
        """Kill all that runs here."""
        if self.process is not None:
            script = psutil.Process(self.process.pid)
            for process in [script, *script.children(recursive=True)]:  # or it would start another server
                with suppress(psutil.NoSuchProcess, ProcessLookupError):  # it ends while its list is gone through
                    process.kill()
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        """SIGKILL the server, and not the script that runs it."""
        postmaster = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(postmaster, signal.SIGKILL)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Carry out statements as the superuser, by the socket that only this pod has; empty if nobody answers."""
        result = self._psql(statement, "-d", database, PGUSER="postgres")
        return result.stdout.strip()

    def as_role(self, role: str, statement: str, database: str = "users", password: str = "") -> str:
        """Carry out statements as another pod would; the rows, or what went wrong."""
        address = ("-d", database, "-h", "127.0.0.1", "-w")
        password = password or self.environment.get(f"{role.removeprefix('users_').upper()}_PASSWORD", "none")
        result = self._psql(statement, *address, PGUSER=role, PGPASSWORD=password)
        return (result.stdout + result.stderr).strip()

    def carry_out(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run another script to its end, as `kubectl exec` or a Job does."""
        return subprocess.run(
            self._command(script),
            user=server_user(),
            env=self.environment | environment,
            check=False,
            capture_output=True,
            text=True,
        )

    def lose_files(self) -> None:
        """Have an empty volume."""
        self.end()
        shutil.rmtree(self.data)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for `condition`, for longer than it can take."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.log
            time.sleep(0.2)  # most conditions start psql

    @property
    def log(self) -> str:
        """What script and server have said."""
        return self._log.read_text(encoding="utf-8")

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _command(self, script: str) -> list[str]:
        return ["sh", str(self.folder / SCRIPTS.name / script)]

    def _psql(self, statement: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *options, "-c", statement],
            user=server_user(),
            env=self.environment | environment,
            check=False,
            capture_output=True,
            text=True,
        )

    def _lend(self, run: Path, scripts: Path) -> None:
        """Make what the pod mounts: its scripts, with the chart's values beside them, and a folder for its socket."""
        mounted = self.folder / scripts.name
        shutil.copytree(scripts, mounted, copy_function=shutil.copyfile)
        (mounted / "values.conf").write_text(VALUES, encoding="utf-8")
        run.mkdir()
        if (user := server_user()) is not None:
            for path in (self.folder, run):
                shutil.chown(path, user)
