import base64
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from k8s.ingress.controllers import NAMESPACE
from tests.e2e.controller import gateway
from tests.e2e.load import HEADERS
from tests.e2e.own_release import SMALL, OwnRelease, own_release

pytestmark = pytest.mark.e2e

HOST = "users.localhost"
GATEWAY = {"name": "public", "namespace": NAMESPACE}
VALUES: dict[str, Any] = {
    **SMALL,
    # The Gateway's listener has the certificate: the release only has to know that there is one.
    "routing": {"hosts": [HOST], "tls": {"mode": "secret", "secretName": "gateway-certificate"}},
    "httpRoute": {
        "enabled": True,
        "retry": "traefik",
        "parentRefs": [{**GATEWAY, "sectionName": "https"}],
        "redirectParentRefs": [{**GATEWAY, "sectionName": "http"}],
    },
}


@pytest.fixture(scope="module")
def release(api: client.ApiClient) -> Iterator[OwnRelease]:
    """A release whose only way in is an HTTPRoute on the cluster's Gateway."""
    with own_release(api, "by-gateway", VALUES) as release:
        wait_until(
            lambda: ask(release, "/api/health").status_code, lambda status: status == HTTPStatus.OK, 30, "a route"
        )
        yield release


def ask(release: OwnRelease, path: str, **headers: str) -> httpx.Response:
    """Ask the Gateway over HTTPS, trusting its certificate alone."""
    secret = release.core.read_namespaced_secret("gateway-certificate", GATEWAY["namespace"])
    context = ssl.create_default_context(cadata=base64.b64decode(secret.data["tls.crt"]).decode())
    # Its wildcard is `*.localhost`, and OpenSSL takes none right below a top-level domain.
    context.check_hostname = False
    with httpx.Client(verify=context, timeout=10) as http:
        return http.get(
            f"{gateway().https}{path}", headers={"host": HOST, **headers}, extensions={"sni_hostname": HOST}
        )


def test_the_gateway_takes_the_routes(release: OwnRelease) -> None:
    """The Gateway's controller accepts both HTTPRoutes, and finds the Service that they name."""
    path = "{range .items[*].status.parents[*].conditions[*]}{.type}={.status} {end}"
    said = release.kubectl("get", "httproute", f"--output=jsonpath={path}").split()
    assert sorted(said) == ["Accepted=True"] * 2 + ["ResolvedRefs=True"] * 2


def test_the_service_is_reached_by_its_host_name(release: OwnRelease) -> None:
    """Through the Gateway a user is read with the token, and not without."""
    answer = ask(release, "/api/users/7", **HEADERS)
    assert (answer.status_code, answer.json()["id"]) == (HTTPStatus.OK, 7)
    assert ask(release, "/api/users/7").status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz"])
def test_probes_and_metrics_stay_inside(release: OwnRelease, path: str) -> None:
    """The HTTPRoute, like the Ingress, lets no one reach what is meant for the cluster."""
    assert ask(release, path).status_code == HTTPStatus.NOT_FOUND


def test_a_monitor_needs_no_token(release: OwnRelease) -> None:
    """The HTTPRoute, like the Ingress, lets the health page through."""
    answer = ask(release, "/gateway-health")
    assert (answer.status_code, answer.json()["status"]) == (HTTPStatus.OK, "healthy")


def test_http_is_sent_to_https(release: OwnRelease) -> None:
    """The Gateway's HTTP listener answers the release's host with a permanent redirect to HTTPS."""
    del release
    # Not below /api: an Ingress for all hosts, as other tests install one, has the whole of that.
    answer = httpx.get(f"{gateway().http}/where", headers={"host": HOST}, timeout=10)
    assert answer.status_code == HTTPStatus.MOVED_PERMANENTLY
    assert answer.headers["location"].startswith(f"https://{HOST}")
