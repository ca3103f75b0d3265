import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from service.credentials import certificate

HOSTS = ("users.example.com", "*.example.org", "10.0.0.7", "fd00::7")


@pytest.mark.parametrize("host", ["users.example.com", "a.example.org", "10.0.0.7", "fd00::7"])
def test_a_client_that_trusts_it_accepts_it_for_each_host(host: str, tmp_path: Path) -> None:
    """A strict TLS client that trusts this certificate alone shakes hands for each name and address it was made for."""
    pem, key = certificate.make(HOSTS, 30)
    (tmp_path / "crt").write_bytes(pem)
    (tmp_path / "key").write_bytes(key)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    client_side = ssl.create_default_context(cadata=pem.decode())
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    near, far = socket.socketpair()

    def serve() -> None:
        with server_side.wrap_socket(far, server_side=True) as served:
            served.sendall(b"!")

    thread = threading.Thread(target=serve)
    thread.start()
    with client_side.wrap_socket(near, server_hostname=host) as connection:
        assert connection.recv(1) == b"!"
    thread.join()


def test_a_long_host_name_is_no_obstacle() -> None:
    """A host longer than a common name may be is vouched for all the same."""
    host = f"{'a' * 60}.{'b' * 60}.example.com"
    found = x509.load_pem_x509_certificate(certificate.make((host,), 1)[0])
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [host]


def test_it_is_due_when_hosts_change_or_its_end_is_near() -> None:
    """The same hosts in another order and a distant end keep it; one more, one less, or a near end do not."""
    pem, key = certificate.make(("a.example", "b.example"), 40)
    assert not certificate.is_due(pem, key, ("b.example", "a.example"), 30)
    assert certificate.is_due(pem, key, ("a.example",), 30)
    assert certificate.is_due(pem, key, ("a.example", "b.example", "c.example"), 30)
    assert certificate.is_due(pem, key, ("a.example", "b.example"), 41)


def test_what_is_no_certificate_of_its_key_is_due() -> None:
    """Nothing, noise and another's key need a new pair."""
    pem, _ = certificate.make(("a.example",), 40)
    _, other = certificate.make(("a.example",), 40)
    assert certificate.is_due(b"", b"", ("a.example",), 30)
    assert certificate.is_due(pem, b"noise", ("a.example",), 30)
    assert certificate.is_due(pem, other, ("a.example",), 30)
