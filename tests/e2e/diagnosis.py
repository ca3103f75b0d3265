import subprocess
import sys

from k8s.client.release import Release
from k8s.client.waiting import wait_until
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
    what = f"a verdict that begins with {beginning!r}"
    wait_until(lambda: verdict(release), lambda found: begins(found, beginning), seconds, what)
