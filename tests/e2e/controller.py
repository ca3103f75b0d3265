"""What serves the Ingress on this cluster, and where the Gateway listens."""

import json
import os
from functools import cache
from typing import Any, NamedTuple

from k8s.ingress import controllers
from k8s.ingress.controllers import NAMESPACE, TRAEFIK, Controller
from tests.e2e.helm import CONTEXT, run
from tests.e2e.load import BASE_URL


class Gateway(NamedTuple):
    """URLs of its listeners."""

    http: str
    https: str


def kubectl(*arguments: str) -> str:
    """Run kubectl in the namespace of the way in."""
    return run("kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, *arguments)


@cache
def controller() -> Controller:
    """Tell which controller the host's port leads to."""
    found = controllers.serving(_items("services"))
    assert found, f"nothing in namespace {NAMESPACE} has node port {controllers.NODE_PORT}: `make kind-up` brings it"
    return found


@cache
def gateway() -> Gateway:
    """Tell where the Gateway is: at the Ingress' ports if Traefik serves both, or else at ports of its node."""
    if controller() is TRAEFIK:
        return Gateway(BASE_URL, f"https://127.0.0.1:{os.environ.get('HTTPS_PORT', '8443')}")
    (service,) = [one for one in _items("services") if one["metadata"]["name"] == TRAEFIK.workload]
    ports = {port["name"]: port["nodePort"] for port in service["spec"]["ports"]}
    (node,) = _items("nodes", "--selector=ingress-ready=true")
    addresses = {one["type"]: one["address"] for one in node["status"]["addresses"]}
    at = addresses["InternalIP"]
    return Gateway(f"http://{at}:{ports['http']}", f"https://{at}:{ports['https']}")


def _items(kind: str, *arguments: str) -> list[Any]:
    items: list[Any] = json.loads(kubectl("get", kind, *arguments, "--output=json"))["items"]
    return items
