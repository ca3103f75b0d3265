"""`python -m tests`: the parts of `make test`, side by side where they don't disturb each other.

A cluster that comes up mostly waits, and so do tests that install releases of their own: what needs no cluster is
checked meanwhile. What puts load on the cluster has the machine to itself, but for what takes only what time is left.
"""

import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

FAILED = re.compile("FAILED |ERROR ")
SAYS_WHY = re.compile(f"{FAILED.pattern}|E  |error: ")
"""How pytest begins the lines of what went wrong, and our own commands theirs."""
MOST_LINES = 15


@dataclass(frozen=True)
class Part:
    """A command, and the parts that must have passed before it starts."""

    name: str
    command: Sequence[str]
    after: Sequence[str] = ()


WHEN_IDLE = ("chrt", "--idle", "0") if shutil.which("chrt") else ("nice", "-n", "19")
"""Takes only the time that nobody else wants: for what needs cores and has no time limits."""
TRIES = "TRIES=2"
"""For what runs beside other work, which may take so much that a test's time limits run out."""
PARTS = (
    Part("cluster", ("make", "kind-up", "image", "tools")),
    Part("lint", ("make", "lint")),
    Part("code", ("make", "test-code", TRIES), after=("lint",)),
    Part("simulation", ("make", "test-simulation"), after=("cluster",)),  # of the binaries that the cluster has
    # Releases of the tests' own mostly wait: the code is checked meanwhile.
    Part("e2e own", ("make", "test-e2e", "LANE=own", TRIES), after=("lint", "cluster")),
    Part("e2e helms", ("make", "test-e2e", "LANE=helms", TRIES), after=("e2e own",)),
    # Helm comes with the cluster. What comes after the code leaves more than these need: experiments mostly wait.
    Part("chart", (*WHEN_IDLE, "make", "chart"), after=("code", "cluster")),
    Part("tools", (*WHEN_IDLE, "make", "test-tools", TRIES), after=("chart",)),
    # What shares a release, and loads it, begins when the code's tests leave the cores.
    Part("e2e", ("make", "test-e2e", "LANE=shared", TRIES), after=("code", "simulation", "e2e own")),
    Part("experiments", ("make", "test-e2e", "LANE=alone", "chaos-short"), after=("e2e", "e2e helms")),
    Part("capacity", ("make", "test-planted", "SHORT=1"), after=("experiments", "tools")),
)


class Run:
    """Runs parts, each as soon as those before it have passed; keeps when each began and how long it took."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._started = time.monotonic()
        self._printing = threading.Lock()
        self._width = max(len(part.name) for part in parts)
        self.times: dict[str, tuple[float, float]] = {}
        self._why: dict[str, Iterable[str]] = {}
        """What went wrong, of parts that passed in the end too: there, what did so at the second try."""

    def all(self) -> bool:
        """Run them, print where the time went and then what went wrong, and say whether all passed."""
        ended: dict[str, Future[bool]] = {}
        with ThreadPoolExecutor(max_workers=len(self._parts)) as pool:
            for part in self._parts:
                ended[part.name] = pool.submit(self._run, part, [ended[name] for name in part.after])
        passed = {name: future.result() for name, future in ended.items()}
        for part in self._parts:
            if part.name in self.times:
                begun, seconds = self.times[part.name]
                outcome = "passed" if passed[part.name] else "FAILED"
                self._say(part, f"{outcome} in {seconds:4.0f} s, from {begun:4.0f} s on")
            else:
                self._say(part, "not run")
        for part in self._parts:
            for line in self._why.get(part.name, ()):
                self._say(part, line)
        return all(passed.values())

    def _run(self, part: Part, before: Sequence[Future[bool]]) -> bool:
        if not all(future.result() for future in before):
            return False
        begun = time.monotonic()
        last, why = deque[str](maxlen=MOST_LINES), deque[str](maxlen=MOST_LINES)
        with subprocess.Popen(part.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout or ():
                self._say(part, line.rstrip())
                last.append(line.rstrip())
                if SAYS_WHY.match(line):
                    why.append(line.rstrip())
        if process.returncode == 0:
            self._why[part.name] = [f"at the second try passed: {line}" for line in why if FAILED.match(line)]
        else:
            self._why[part.name] = why or last
        self.times[part.name] = (begun - self._started, time.monotonic() - begun)
        return process.returncode == 0

    def _say(self, part: Part, text: str) -> None:
        with self._printing:
            sys.stdout.write(f"{part.name:{self._width}} | {text}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(not Run(PARTS).all())
