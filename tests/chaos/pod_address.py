import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from loadtests.hostile.wire import Address
from tests.e2e.release import Release, kubectl

SERVICE = "chaos-one-pod"
LABEL = "chaos"
# What the rules of all nodes take to know it.
REACHED_SECONDS = 20


@contextmanager
def reached(release: Release, pod: str, port: int = 8000) -> Iterator[Address]:
    """Give an address whose connections end in the pod, without the Ingress: a port of its node.

    kubectl's port-forward is none for this: the first connection that the pod resets ends it, and all others with it.
    """
    (node,) = {one.node for one in release.api_pods() if one.name == pod}
    address = kubectl("get", "node", node, "--output", 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}')
    kubectl("label", "pod", pod, f"{LABEL}=one")
    try:
        kubectl("create", "service", "nodeport", SERVICE, f"--tcp={port}")
        kubectl("set", "selector", "service", SERVICE, f"{LABEL}=one")
        at = kubectl("get", "service", SERVICE, "--output", "jsonpath={.spec.ports[0].nodePort}")
        yield _answering(Address(address, int(at)))
    finally:
        kubectl("delete", "service", SERVICE, "--ignore-not-found")
        kubectl("label", "pod", pod, f"{LABEL}-")


def _answering(address: Address) -> Address:
    end = time.monotonic() + REACHED_SECONDS
    while True:
        try:
            socket.create_connection(address, timeout=2).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            return address
