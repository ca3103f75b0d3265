"""The servers of a release's own PostgreSQL: asked, killed and frozen."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.helm import HelmRelease, run

# The postmaster first: what it has not started can't run on. psql and the scripts are others' processes.
SIGNAL = """
kill -"$1" "$(head -n 1 "$PGDATA/postmaster.pid")"
for process in /proc/[0-9]*; do
  if [ "$(cat "$process/comm" 2>/dev/null)" = postgres ]; then kill -"$1" "${process#/proc/}" 2>/dev/null || true; fi
done
"""


class Server:
    """The pod of one server."""

    def __init__(self, release: HelmRelease, pod: str) -> None:
        self.release = release
        self.pod = pod

    def sql(self, statement: str) -> str:
        """Carry out a statement as the superuser; the rows, their columns divided by `|`."""
        return self.execute(*psql(statement)).strip()

    def kill(self) -> None:
        """SIGKILL all processes of the server, which the pod's script starts again."""
        self.execute("sh", "-c", SIGNAL, "sh", "KILL")

    def kill_container(self) -> None:
        """SIGKILL all of the server's container."""
        kill_container(self.release, self.pod, "postgresql")

    def kill_pod(self) -> None:
        """Delete the pod without grace."""
        self.release.kubectl("delete", "pod", self.pod, "--force", "--grace-period=0")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP all processes of the server for as long as the block lasts: it accepts, and says nothing."""
        self.execute("sh", "-c", SIGNAL, "sh", "STOP")
        try:
            yield
        finally:
            self.execute("sh", "-c", SIGNAL, "sh", "CONT")

    def execute(self, *command: str) -> str:
        """Run a command in the server's container."""
        return self.release.kubectl(*self.execution(*command))

    def execution(self, *command: str) -> tuple[str, ...]:
        """Return what kubectl has to be told for that."""
        return ("exec", self.pod, "--container=postgresql", "--", *command)

    @property
    def node(self) -> str:
        """Where the pod is."""
        return str(_look(self.release, self.pod)["spec"]["nodeName"])

    @property
    def started_at(self) -> str:
        """When the server that answers was started."""
        return self.sql("SELECT pg_postmaster_start_time()")


def psql(statement: str) -> tuple[str, ...]:
    """Return the command that carries out a statement in a server's container."""
    return ("psql", "-XAtq", "--username=postgres", "--dbname=users", f"--command={statement}")


def primary(release: HelmRelease) -> Server:
    """Return the server that takes the writes."""
    return Server(release, f"{release.name}-postgresql-0")


def replica(release: HelmRelease) -> Server:
    """Return the one that follows it."""
    return Server(release, f"{release.name}-postgresql-replica-0")


def kill_container(release: HelmRelease, pod: str, name: str) -> None:
    """SIGKILL all of a container from its node: its first process cannot be killed from within.

    A pod that is deleted without grace is told to end all the same, and has its preStop hook.
    """
    found = _look(release, pod)
    (status,) = [each for each in found["status"]["containerStatuses"] if each["name"] == name]
    container = status["containerID"].removeprefix("containerd://")
    kill = ("ctr", "--namespace", "k8s.io", "task", "kill", "--signal", "SIGKILL", container)
    run("docker", "exec", found["spec"]["nodeName"], *kill)


def _look(release: HelmRelease, pod: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(release.kubectl("get", "pod", pod, "--output=json"))
