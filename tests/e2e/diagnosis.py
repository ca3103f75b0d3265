import subprocess
import sys
import time
from dataclasses import replace

from k8s.client.application import USERS_API
from k8s.client.release import Release
from k8s.client.waiting import wait_until
from k8s.doctor.__main__ import diagnose
from k8s.doctor.api import ClusterApi
from tests.e2e.helm import CONTEXT


def doctor(release: Release) -> subprocess.CompletedProcess[str]:
    """Run the doctor as `make doctor` does."""
    options = ("--context", CONTEXT, "--namespace", release.namespace, "--release", release.name)
    return subprocess.run([sys.executable, "-m", "k8s.doctor", *options], capture_output=True, text=True, check=False)


def verdict(release: Release) -> tuple[int, str]:
    """The exit status, and the line that names the first broken link or says that there is none."""
    done = doctor(release)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(("first broken link: ", "every link"))]
    return done.returncode, line


def begins(found: tuple[int, str], beginning: str) -> bool:
    """Whether a verdict begins so, with the exit status for it."""
    status, said = found
    return said.startswith(beginning) and status == (0 if beginning.startswith("every") else 1)


def wait_for_verdict(release: Release, beginning: str, seconds: float = 180) -> None:
    """Wait until the doctor says this, with the exit status for it."""
    api = ClusterApi(CONTEXT)

    def look() -> tuple[int, str]:
        # Another process costs a second of CPU: it is asked once this one has come to the same.
        said, _ = diagnose(api, replace(USERS_API, namespace=release.namespace, release=release.name), time.time())
        return verdict(release) if f"\n{beginning}" in said else (-1, said)

    what = f"a verdict that begins with {beginning!r}"
    wait_until(look, lambda found: begins(found, beginning), seconds, what)
