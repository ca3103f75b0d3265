import base64
import os
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from tests.e2e.load import BASE_URL
from tests.e2e.own_release import SMALL, OwnRelease, own_release

pytestmark = pytest.mark.e2e

HOST = "users.example.com"
PORT = int(os.environ.get("HTTPS_PORT", "8443"))
VALUES: dict[str, Any] = {
    **SMALL,
    # Only in production does the service tell browsers to stay with HTTPS.
    "config": {**SMALL["config"], "environment": "production", "faultsEnabled": False},
    "extraEnv": [
        {"name": "USERS_API_DATABASE_URL", "value": "postgresql://nobody@db.invalid/users"}
    ],  # nobody is asked for
    "auth": {"staticTokens": None},
    "ingress": {"enabled": True},
    "routing": {"hosts": [HOST], "tls": {"mode": "generated"}},
}


@pytest.fixture(scope="module")
def release(api: client.ApiClient) -> Iterator[OwnRelease]:
    """A release with a certificate of its own making, at a host name of its own on the Ingress."""
    with own_release(api, "with-tls", VALUES) as release:
        yield release


def certificate(release: OwnRelease, key: str = "tls.crt", name: str = "") -> str:
    """The certificate in the release's Secret, or in that of another name, in PEM."""
    secret = release.core.read_namespaced_secret(name or f"{release.name}-tls-generated", release.namespace)
    return base64.b64decode(secret.data[key]).decode()


def served(trusted: str) -> bool:
    """Whether the Ingress shows a certificate for the host that this one vouches for."""
    context = ssl.create_default_context(cadata=trusted)
    try:
        with (
            socket.create_connection(("127.0.0.1", PORT), 5) as plain,
            context.wrap_socket(plain, server_hostname=HOST),
        ):
            return True
    except ssl.SSLCertVerificationError:
        return False


def get(trusted: str, path: str) -> httpx.Response:
    """Ask over HTTPS, trusting this certificate alone."""
    context = ssl.create_default_context(cadata=trusted)
    with httpx.Client(verify=context, timeout=10) as http:
        url = f"https://127.0.0.1:{PORT}{path}"
        return http.get(url, headers={"host": HOST}, extensions={"sni_hostname": HOST})


def check_answers_over_https(trusted: str) -> None:
    """Wait until the Ingress serves what this certificate vouches for: then it answers, and says to stay with HTTPS."""
    wait_until(lambda: served(trusted), bool, 30, "the release's certificate")
    answer = get(trusted, "/api/health")
    assert answer.status_code == HTTPStatus.OK
    assert "max-age=" in answer.headers["strict-transport-security"]


def check_redirects_to_https() -> None:
    """The same path over HTTP is a permanent redirect to HTTPS."""
    answer = httpx.get(f"{BASE_URL}/api/health", headers={"host": HOST}, timeout=10)
    assert answer.status_code in {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT}
    assert answer.headers["location"] == f"https://{HOST}/api/health"


def test_the_certificate_is_served_and_vouches_for_the_host(release: OwnRelease) -> None:
    """A client that trusts the release's certificate alone is answered over HTTPS, and told to stay with it."""
    check_answers_over_https(certificate(release))


def test_http_is_sent_to_https(release: OwnRelease) -> None:
    """The same path over HTTP is a permanent redirect to HTTPS."""
    del release
    check_redirects_to_https()


def test_an_upgrade_keeps_the_certificate(release: OwnRelease) -> None:
    """A generated certificate survives upgrades, so that clients that trust it go on doing so."""
    before = certificate(release)
    release.upgrade({**VALUES, "config": {**VALUES["config"], "logLevel": "WARNING"}})
    assert certificate(release) == before
    assert served(before)


def test_another_host_gets_a_certificate_at_once(release: OwnRelease) -> None:
    """With another host among them the upgrade makes a certificate for all, and HTTPS is answered all the while."""
    before = certificate(release)
    hosts = {**VALUES, "routing": {**VALUES["routing"], "hosts": [HOST, "other.example.com"]}}
    with ThreadPoolExecutor(1) as thread:
        upgrade = thread.submit(release.upgrade, hosts, "--wait", "--timeout", "2m")
        while not upgrade.done():
            assert served(before) or served(certificate(release))
            wait([upgrade], timeout=0.5)
    upgrade.result()
    after = certificate(release)
    assert after != before
    assert b"other.example.com" in ssl.PEM_cert_to_DER_cert(after)
    check_answers_over_https(after)


def test_the_certificate_is_renewed_by_its_cron_job(release: OwnRelease) -> None:
    """A look by the CronJob keeps a certificate that is good, and replaces one that is not."""
    job = ("create", "job", f"--from=cronjob/{release.name}-tls")
    before = certificate(release)
    release.kubectl(*job, "first-look")
    release.kubectl("wait", "job/first-look", "--for=condition=Complete", "--timeout=60s")
    assert certificate(release) == before
    release.kubectl(
        "patch", "secret", f"{release.name}-tls-generated", "--patch", 'data: {"tls.crt": "", "tls.key": ""}'
    )
    release.kubectl(*job, "second-look")
    release.kubectl("wait", "job/second-look", "--for=condition=Complete", "--timeout=60s")
    check_answers_over_https(certificate(release))
    # The CronJob owns them, and has let go of the first by now where it keeps one.
    release.kubectl("delete", "job", "first-look", "second-look", "--ignore-not-found")


def test_a_given_secret_is_served(release: OwnRelease) -> None:
    """With `mode: secret` the Ingress serves the certificate that its Secret has, by another name."""
    trusted = certificate(release)
    secret = release.core.read_namespaced_secret(f"{release.name}-tls-generated", release.namespace)
    metadata = client.V1ObjectMeta(name="given")
    given = client.V1Secret(metadata=metadata, type="kubernetes.io/tls", data=secret.data)
    release.core.create_namespaced_secret(release.namespace, given)
    release.upgrade({**VALUES, "routing": {"hosts": [HOST], "tls": {"mode": "secret", "secretName": "given"}}})
    made = f"secret/{release.name}-tls-generated"
    wait_until(
        lambda: release.kubectl("get", "secrets", "--output=name").split(), lambda left: made not in left, 60, "gone"
    )
    wait_until(lambda: served(trusted), bool, 30, "the given certificate")
    assert get(trusted, "/api/health").status_code == HTTPStatus.OK
