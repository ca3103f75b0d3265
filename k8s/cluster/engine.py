"""A Docker engine: the one that runs, or Debian's, started for the cluster's life only."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import docker, system
from k8s.cluster.steps import StepError, Steps

PACKAGES = ("docker.io", "iptables", "jq", "libcap2-bin", "mmdebstrap", "runc", "gcc", "libc6-dev")
_TOOLS = ("dockerd", "runc", "jq", "capsh", "mmdebstrap", "iptables", "gcc")
START_SECONDS = 30
STOP_SECONDS = 60


def missing_tools() -> list[str]:
    """Return the programs that building the cluster takes, and this host lacks."""
    return [tool for tool in _TOOLS if shutil.which(tool) is None]


@dataclass(frozen=True)
class Engine:
    """Debian's dockerd with its state in the cache, so that deleting the cache deletes all of it."""

    cache: Path
    steps: Steps

    @property
    def _pid_file(self) -> Path:
        return self.cache / "dockerd.pid"

    def ensure(self, *, can_raise_limits: bool) -> None:
        """Start dockerd unless an engine answers; install Debian's packages first where they lack.

        Raises:
            StepError: the engine did not come up; names its log.
        """
        self._install()
        if not docker.ask().trouble:
            return
        self.steps.run("start dockerd", lambda: self._start(can_raise_limits=can_raise_limits), about="3 s")

    def stop(self) -> None:
        """Stop the dockerd that `ensure` started, and no other."""
        if (pid := self._own_pid()) is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._own_pid() is not None:
            if time.monotonic() > deadline:
                message = f"dockerd (pid {pid}) did not stop within {STOP_SECONDS} s; see {self.cache / 'dockerd.log'}"
                raise StepError(message)
            time.sleep(0.2)

    def _install(self) -> None:
        missing = missing_tools()
        if not missing:
            return
        if not system.is_debian_as_root():
            message = (
                f"missing: {', '.join(missing)}. Install the Debian packages {' '.join(PACKAGES)}, or run this as root."
            )
            raise StepError(message)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}

        def install() -> None:
            self.steps.command("apt", ["apt-get", "update", "-q"], env=environment)
            self.steps.command(
                "apt", ["apt-get", "install", "-q", "-y", "--no-install-recommends", *PACKAGES], env=environment
            )

        self.steps.run(f"install Debian's {', '.join(PACKAGES)}", install, about="20 s")

    def _start(self, *, can_raise_limits: bool) -> None:
        # Debian's engine is 20.10: BuildKit is not in it, the legacy builder is.
        arguments = [
            "dockerd",
            "--data-root",
            str(self.cache / "docker"),
            "--pidfile",
            str(self._pid_file),
            "--storage-driver",
            "overlay2",
            # The kernel forwards what comes for the Ingress; a process between took 0.19 ms of CPU a request.
            "--userland-proxy=false",
        ]
        if not can_raise_limits:
            shim = Path(__file__).with_name("bounded-runc.sh")
            arguments += ["--add-runtime", f"bounded={shim}", "--default-runtime", "bounded"]
        log = self.cache / "dockerd.log"
        with log.open("ab") as stream:
            process = subprocess.Popen(
                arguments,
                stdout=stream,
                stderr=stream,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while docker.ask().trouble:
            if process.poll() is not None or time.monotonic() > deadline:
                message = f"dockerd did not come up; the end of {log} says why:\n" + "\n".join(
                    log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
                )
                raise StepError(message)
            time.sleep(0.2)

    def _own_pid(self) -> int | None:
        try:
            pid = int(self._pid_file.read_text(encoding="ascii"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if b"dockerd" in command and state != "Z" else None
