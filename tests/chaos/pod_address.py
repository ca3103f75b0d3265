import socket
from collections.abc import Iterator
from contextlib import contextmanager

from k8s.client.waiting import wait_until
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
        pod_at = Address(address, int(at))
        wait_until(lambda: _accepts(pod_at), bool, REACHED_SECONDS, f"a connection to {pod_at}")
        yield pod_at
    finally:
        kubectl("delete", "service", SERVICE, "--ignore-not-found")
        kubectl("label", "pod", pod, f"{LABEL}-")


def _accepts(address: Address) -> bool:
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True
