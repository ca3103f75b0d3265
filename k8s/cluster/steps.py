"""Timed steps: each says what it does, how long it may take, and how long it took."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class StepError(Exception):
    """A step failed; the message names the remedy."""


@dataclass
class Steps:
    """Runs steps, prints their progress and keeps their times.

    Attributes:
        directory: where `steps.json` and one log a step are written.
    """

    directory: Path
    started: float = field(default_factory=time.monotonic)
    _times: list[dict[str, object]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=4))

    def say(self, text: str) -> None:
        """Print one line behind the seconds since the start."""
        with self._lock:
            sys.stdout.write(f"[{time.monotonic() - self.started:6.1f} s] {text}\n")
            sys.stdout.flush()

    def run(self, name: str, action: Callable[[], T], *, about: str = "") -> T:
        """Run `action` as a step and keep its time, also when it fails."""
        self.say(f"> {name}" + (f" (about {about})" if about else ""))
        begin = time.monotonic()
        failed = True
        try:
            result = action()
            failed = False
        finally:
            seconds = time.monotonic() - begin
            self._keep(name, begin - self.started, seconds, failed=failed)
            self.say(f"{'x' if failed else '='} {name}: {seconds:.1f} s")
        return result

    def background(self, action: Callable[[], T]) -> "Future[T]":
        """Run `action` (which runs steps) beside the caller."""
        return self._pool.submit(action)

    def command(
        self,
        log: str,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
    ) -> str:
        """Run a command with its output in `<directory>/logs/<log>.log`; returns its stdout.

        Raises:
            StepError: it exited non-zero; holds the end of its output.
        """
        path = self.directory / "logs" / f"{log}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [str(arg) for arg in argv],
            cwd=cwd,
            env=env,
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
        )
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"$ {' '.join(map(str, argv))}\n{done.stdout}{done.stderr}\n")
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            message = f"{argv[0]} failed with exit status {done.returncode}; all of its output is in {path}:\n{tail}"
            raise StepError(message)
        return done.stdout

    def _keep(self, name: str, start: float, seconds: float, *, failed: bool) -> None:
        with self._lock:
            self._times.append(
                {"name": name, "start_s": round(start, 1), "seconds": round(seconds, 1), "failed": failed}
            )
            total = round(time.monotonic() - self.started, 1)
            self.directory.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"total_s": total, "steps": self._times}, indent=2)
            (self.directory / "steps.json").write_text(text + "\n", encoding="utf-8")
