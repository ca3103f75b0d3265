import subprocess
from http import HTTPStatus

import httpx
import pytest

from k8s.client.waiting import wait_until
from tests.e2e.helm import CONTEXT
from tests.e2e.load import HEADERS
from tests.e2e.release import NAME, NAMESPACE, Release, helm

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("release")]

# Whether the application is among them, and those of which there is none.
LOADED_WITHOUT_BYTECODE = """
import os, sys, service.app
cached = {name: getattr(module, "__cached__", None) for name, module in sys.modules.items()}
print("service.app" in cached, *(name for name, path in cached.items() if path and not os.path.exists(path)))
"""


def test_a_user_is_read_with_the_token(http: httpx.Client) -> None:
    """Through the Ingress a user is read with the token."""
    response = http.get("/api/users/7")
    assert (response.status_code, response.json()["id"]) == (HTTPStatus.OK, 7)


def test_nothing_is_read_without_the_token(http: httpx.Client) -> None:
    """Through the Ingress the same read without a token gets 401 and is told how to authenticate."""
    del http.headers["authorization"]
    response = http.get("/api/users/7")
    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz"])
def test_probes_and_metrics_stay_inside(http: httpx.Client, path: str) -> None:
    """The Ingress lets no one reach what is meant for the cluster."""
    assert http.get(path).status_code == HTTPStatus.NOT_FOUND


def test_a_monitor_needs_no_token(http: httpx.Client, release: Release) -> None:
    """The Ingress lets the old stack's health page through, and a replica names itself."""
    del http.headers["authorization"]
    response = http.get("/gateway-health")
    assert response.status_code == HTTPStatus.OK
    assert response.json()["server_id"] in release.pods()


def test_each_replica_answers(release: Release, http: httpx.Client) -> None:
    """The `server_id` of each replica is seen, and no other."""
    seen: set[str] = set()

    def call() -> set[str]:
        seen.add(http.get("/api/health").json()["server_id"])
        return seen

    wait_until(call, lambda ids: ids == release.pods(), 30, "a server_id for each pod")


def test_the_image_has_the_bytecode_of_all_that_a_start_loads(release: Release) -> None:
    """Of Python's own modules as of the service's: a pod can write none, and would compile them at each start."""
    loaded = release.kubectl(
        "exec", f"deployment/{release.name}", "--container=api", "--", "python", "-c", LOADED_WITHOUT_BYTECODE
    )
    assert loaded.split() == ["True"]


def test_helm_test_passes() -> None:
    """The chart's own tests run and succeed."""
    output = helm("test", NAME, "--timeout", "2m")
    assert "Phase:          Succeeded" in output


def test_the_service_is_reached_by_port_forward() -> None:
    """`kubectl port-forward` to the Service serves the API on a port of this host."""
    command = ("kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, "port-forward", f"service/{NAME}", ":80")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forward:
        try:
            assert forward.stdout
            # Forwarding from 127.0.0.1:PORT -> 8000
            address = forward.stdout.readline().split()[2]
            assert httpx.get(f"http://{address}/api/users/1", headers=HEADERS).status_code == HTTPStatus.OK
        finally:
            forward.terminate()
