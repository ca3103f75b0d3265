from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from tests.e2e import test_tls
from tests.e2e.own_release import OwnRelease, own_release
from tests.e2e.test_tls import HOST, certificate, check_answers_over_https, check_redirects_to_https, get, served

pytestmark = pytest.mark.e2e

VALUES: dict[str, Any] = {**test_tls.VALUES, "routing": {"hosts": [HOST], "tls": {"mode": "selfSigned"}}}
AUTHORITY = """
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: authority
spec:
  isCA: true
  commonName: authority
  secretName: authority
  issuerRef: {name: users-api-self-signed}
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata:
  name: authority
spec:
  ca: {secretName: authority}
"""


@pytest.fixture(scope="module")
def release(api: client.ApiClient) -> Iterator[OwnRelease]:
    """A release with a certificate by cert-manager and its own Issuer, at a host name of its own on the Ingress."""
    with own_release(api, "with-cert-manager", VALUES) as release:
        wait_for_certificate(release, "users-api-tls")
        yield release


def authority(release: OwnRelease) -> str:
    """What vouches for the certificate that cert-manager keeps in the release's Secret."""
    return certificate(release, "ca.crt", name="users-api-tls")


def wait_for_certificate(release: OwnRelease, name: str) -> None:
    """Wait until cert-manager says that a certificate is issued and current."""
    release.kubectl("wait", f"certificate/{name}", "--for=condition=Ready", "--timeout=60s")


def test_the_issued_certificate_is_served_and_vouches_for_the_host(release: OwnRelease) -> None:
    """A client that trusts the Secret's `ca.crt` alone is answered over HTTPS, and told to stay with it."""
    check_answers_over_https(authority(release))


def test_http_is_sent_to_https(release: OwnRelease) -> None:
    """The same path over HTTP is a permanent redirect to HTTPS."""
    del release
    check_redirects_to_https()


def test_a_lost_certificate_is_issued_anew(release: OwnRelease) -> None:
    """After its Secret was deleted the Ingress serves another certificate, and no more the one before."""
    before = authority(release)
    release.kubectl("delete", "secret", "users-api-tls")
    release.kubectl("wait", "secret/users-api-tls", "--for=create", "--timeout=60s")
    wait_until(lambda: authority(release), lambda now: now != before, 60, "another certificate")
    wait_until(lambda: served(authority(release)), bool, 30, "the new certificate")
    assert not served(before)


def test_a_given_issuer_is_asked(release: OwnRelease) -> None:
    """With `mode: certManager` the Ingress serves what the named Issuer signed, by an authority of one's own."""
    release.kubectl("apply", "--filename", "-", stdin=AUTHORITY)
    wait_for_certificate(release, "authority")
    issuer = {"mode": "certManager", "issuerRef": {"kind": "Issuer", "name": "authority"}}
    release.upgrade({**VALUES, "routing": {"hosts": [HOST], "tls": issuer}})
    trusted = certificate(release, name="authority")
    wait_until(lambda: served(trusted), bool, 60, "a certificate by the authority")
    assert get(trusted, "/api/health").status_code == HTTPStatus.OK
