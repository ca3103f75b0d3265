import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

START_SECONDS = 30


class LocalServer:
    """A server of one's own on a loopback port, as a process that its block or test ends."""

    stop_signal = signal.SIGTERM

    def __init__(self, port: int) -> None:
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """Stop in order; waits for the end."""
        if self.process is not None:
            self.process.send_signal(self.stop_signal)  # nothing is sent to one that has ended
            self.process.wait()
            self.process = None

    def _launch(
        self,
        command: Sequence[str],
        log: Path,
        is_ready: Callable[[], bool],
        *,
        name: str,
        user: str | None = None,
    ) -> None:
        """Run it, and wait until it is ready; what it says goes to `log`, in its folder.

        Raises:
            RuntimeError: it is not within `START_SECONDS`; has what it said.
        """
        with log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own argument list
                command,
                user=user,
                cwd=log.parent,  # which `user` may enter
                stdout=output,
                stderr=output,
                start_new_session=True,  # an interrupt from the keyboard must end the service first
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if is_ready():
                return
            time.sleep(0.02)
        self.stop()
        text = log.read_text(encoding="utf-8")
        raise RuntimeError(f"{name} did not start within {START_SECONDS} s:\n{text}")
