import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from loadtests.hostile.wire import Address
from tests.e2e.release import CONTEXT, NAMESPACE


@contextmanager
def port_forward(pod: str, port: int = 8000) -> Iterator[Address]:
    """Give an address on this host whose connections end in the pod, without the Ingress."""
    command = ["kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, "port-forward", f"pod/{pod}", f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", said)
            assert found, f"{' '.join(command)}: {said}"
            yield Address("127.0.0.1", int(found.group(1)))
        finally:
            process.terminate()
