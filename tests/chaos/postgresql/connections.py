"""How many connections the service holds to a server, looked at twice a second by one session of the server's own."""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.helm import CONTEXT
from tests.e2e.postgres_server import Server, psql

# What a client is told whom the server has no room for: without the reserved ones, or at all.
REFUSALS = ("too many clients already", "remaining connection slots are reserved")
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'users_app'"


@contextmanager
def counted(server: Server) -> Iterator[list[int]]:
    """Give a list that has all counts when the block has ended."""
    # psql reads its command from a pipe: \watch is none of SQL's.
    asked = shlex.quote(f"{COUNT} \\watch 0.5")
    command = server.execution("sh", "-c", f"printf '%s\\n' {asked} | {shlex.join(psql('')[:-1])}")
    namespace = f"--namespace={server.release.namespace}"
    process = subprocess.Popen(
        ("kubectl", "--context", CONTEXT, namespace, *command),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    counts: list[int] = []
    try:
        yield counts
    finally:
        process.terminate()
        said, error = process.communicate(timeout=30)
        counts += [int(line) for line in said.split() if line.isdigit()]
        assert counts, f"nothing was counted: {error}"


def refused(server: Server, since_seconds: float) -> int:
    """How many clients the server has turned away for want of room."""
    log = server.release.kubectl("logs", server.pod, "--container=postgresql", f"--since={since_seconds:.0f}s")
    return sum(line.count(refusal) for line in log.splitlines() for refusal in REFUSALS)
