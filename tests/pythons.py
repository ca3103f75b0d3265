"""`python -m tests.pythons 3.11 3.14 trixie`: unit tests and the wheel's on each of these Pythons, one after another.

A version is looked for on this host, then fetched by uv, and at last taken from the release of Debian that has it,
which lies in a folder of its own. A release's name takes that one at once.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from k8s.cluster.steps import StepError, Steps
from tests.debian_root import RELEASES, ROOT, DebianRoot

UV = Path(sys.executable).with_name("uv")
TESTS = ("tests/unit", "tests/integration/fleet/test_wheel.py")


@dataclass(frozen=True)
class Interpreter:
    """A Python, and what goes before a command for it to run where that Python is."""

    path: str
    inside: Sequence[str] = ()


class Pythons:
    """Finds interpreters, and runs the unit tests on them with what the lock file has.

    Attributes:
        cache: where virtual environments and Debian's releases are kept.
    """

    def __init__(self, cache: Path, steps: Steps) -> None:
        self._cache = cache
        self._environments = cache / "environments"
        self._steps = steps

    def find(self, name: str) -> Interpreter:
        """Return the interpreter of a version, or of a release of Debian.

        Raises:
            StepError: it is not to be had here; says what was tried.
        """
        if name in RELEASES:
            return self._of_debian(name)
        found = self._uv("find", "--system", "--no-python-downloads", name)
        if found.returncode:
            installed = self._uv("install", "--no-progress", name)
            found = self._uv("find", "--system", "--no-python-downloads", name)
        if found.returncode == 0:
            return Interpreter(found.stdout.strip())
        try:
            return self._of_debian(_release_with(name))
        except StepError as error:
            why = f"uv: {_last_line(installed.stderr)}; Debian: {error}"
            raise StepError(f"no Python {name} on this host, and none to be had. {why}") from error

    def test(self, name: str, interpreter: Interpreter) -> bool:
        """Install the lock file into a new virtual environment of this Python, run the tests, and say how it went."""
        environment = self._environments / name
        python = str(environment / "bin" / "python")
        install = [str(UV), "pip", "install", "--python", python, "--no-deps", "--require-hashes"]
        for log, command in (
            ("make the environment", [interpreter.path, "-m", "venv", "--clear", str(environment)]),
            ("install the lock file", [*install, "--requirement", "requirements-dev.lock"]),
        ):
            self._steps.run(
                f"{log} for {name}",
                partial(self._steps.command, log.replace(" ", "-"), [*interpreter.inside, *command], cwd=ROOT),
                about="15 s",
            )
        told = "import platform, sys; print(sys.implementation.name, platform.python_version(), *platform.libc_ver())"
        what = self._steps.command("version", [*interpreter.inside, python, "-c", told], cwd=ROOT).strip()
        pytest = [python, "-m", "pytest", "-o", f"cache_dir=build/pytest/{name}", *TESTS]
        return self._steps.run(
            f"{name} is {what}, {interpreter.path}",
            lambda: subprocess.run([*interpreter.inside, *pytest], cwd=ROOT, check=False).returncode == 0,
            about="1 min",
        )

    def _of_debian(self, release: str) -> Interpreter:
        root = DebianRoot(release, self._cache, self._steps)
        root.bootstrap()
        wheels = Path(subprocess.run([UV, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip())
        for folder in (self._environments, wheels):
            folder.mkdir(parents=True, exist_ok=True)
        return Interpreter(root.python, root.inside(self._environments, wheels))

    def _uv(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(UV), "python", *arguments]
        return subprocess.run(command, cwd=ROOT, env=_all_of_pyenv(), capture_output=True, text=True, check=False)


def _all_of_pyenv() -> dict[str, str]:
    """Have pyenv's commands on PATH answer for each version it has, not for the chosen one alone."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    names = sorted(path.name for path in versions.iterdir()) if versions.is_dir() else []
    return {**os.environ, **({"PYENV_VERSION": ":".join(names)} if names else {})}


def _release_with(version: str) -> str:
    for release, its_version in RELEASES.items():
        if its_version == version:
            return release
    raise StepError("no release has it")


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2].strip()


def main() -> int:
    """Run them all, and end with how each went; 1 if any failed or is not to be had."""
    parser = argparse.ArgumentParser(prog="python -m tests.pythons")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("names", nargs="+", metavar="VERSION|RELEASE")
    options = parser.parse_args()
    steps = Steps(ROOT / "build" / "pythons")
    pythons = Pythons(options.cache / "pythons", steps)
    outcomes = {}
    for name in options.names:
        try:
            passed = pythons.test(name, pythons.find(name))
            outcomes[name] = "passed" if passed else "FAILED"
        except StepError as error:
            outcomes[name] = f"FAILED: {error}"
    for name, outcome in outcomes.items():
        steps.say(f"{name} {outcome}")
    return int(set(outcomes.values()) != {"passed"})


if __name__ == "__main__":
    sys.exit(main())
