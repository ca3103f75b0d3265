import re
import signal
import socket

from service.dev.redis import LocalRedis

_CALLS = rb"cmdstat_%s:calls=(\d+)"
NO_REDIS = "redis://127.0.0.1:1/0"
"""Port 1 is tcpmux's, which nobody runs: connecting is refused at once."""
PATIENT_SECONDS = 5.0
"""For a call to Redis, and a connection, where time limits are not what is tested: a busy machine's pauses are none."""
HURRIED_SECONDS = 0.3
"""Where Redis is silent, and the limit runs out time and again."""


class RedisProcess(LocalRedis):
    """A real Redis server on a loopback port, with the ways in which one goes wrong."""

    def kill(self) -> None:
        """SIGKILL: connections are reset, new ones refused."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

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
        if self.process is None:
            raise RuntimeError("the Redis server is not running")
        self.process.send_signal(number)
