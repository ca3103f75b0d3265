import ssl
import stat
from pathlib import Path

from cryptography import x509

from k8s.simulation import certificates


def test_it_names_this_host_and_the_services(tmp_path: Path) -> None:
    """The API server checks what stands behind a Service by the Service's name."""
    issued = certificates.issue(tmp_path, "metrics")
    certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "metrics.default.svc"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_a_server_can_use_it_and_a_client_trust_it(tmp_path: Path) -> None:
    """Key and certificate belong together, and nobody else reads the key."""
    issued = certificates.issue(tmp_path)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(issued.certificate, issued.key)
    assert ssl.create_default_context(cafile=str(issued.certificate)).cert_store_stats()["x509_ca"] == 1
    assert stat.S_IMODE(issued.key.stat().st_mode) == 0o600
