import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster.steps import StepError

STOP_SECONDS = 10
# For Go's garbage collector, 100 by default: the memory is there, and the cores are what all of it waits for.
GARBAGE_PERCENT = 400


@dataclass(frozen=True)
class Usage:
    """What a program has used since its start."""

    cpu_seconds: float
    peak_rss_bytes: int


@dataclass(frozen=True)
class Process:
    """A program that runs, and what it has used so far."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def require_running(self) -> None:
        """Raise a StepError with the end of its log if it has ended."""
        if self.popen.poll() is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            message = (
                f"{self.name} ended with status {self.popen.returncode}; all of its output is in {self.log}:\n{tail}"
            )
            raise StepError(message)

    @property
    def usage(self) -> Usage:
        """User and system time, and the most memory it ever had resident."""
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])  # utime, stime: proc(5)
        status = Path(f"/proc/{self.popen.pid}/status").read_text(encoding="ascii")
        peak = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
        return Usage(ticks / os.sysconf("SC_CLK_TCK"), peak * 1024)


@contextmanager
def running(name: str, command: Sequence[str | Path], folder: Path) -> Iterator[Process]:
    """Run a program until the block ends, with its output in `folder`/NAME.log.

    It is in a session of its own, so that Ctrl-C reaches this process alone, which then ends it in its turn; should
    this process be killed, the kernel ends it.
    """
    log = folder / f"{name}.log"
    arguments = ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)]
    with log.open("wb") as output:
        popen = subprocess.Popen(
            arguments,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GOGC": str(GARBAGE_PERCENT)},
            start_new_session=True,
        )
        try:
            yield Process(name, popen, log)
        finally:
            popen.terminate()
            try:
                popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()
