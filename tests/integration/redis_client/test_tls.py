from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.dev import free_port
from tests.api import TOKEN, client_of, running
from tests.redis_process import RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Sign one for 127.0.0.1 by itself; gives certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    pem = serialization.Encoding.PEM
    certificate_file.write_bytes(certificate.public_bytes(pem))
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(key.private_bytes(pem, *plain))
    return certificate_file, key_file


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Start a Redis that speaks TLS on a second port; gives its URL, without whom to trust."""
    certificate, key = _certificate(tmp_path, "redis")
    port = free_port()
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(certificate))
    process = RedisProcess(tmp_path, "--tls-port", str(port), *files, "--tls-auth-clients", "no")
    process.start()
    yield f"rediss://127.0.0.1:{port}/0"
    process.kill()


async def _caches(url: str) -> list[str]:
    """Where two reads of one user come from."""
    async with running(redis_url=url, cache_l1_bytes=0) as app, client_of(app, **TOKEN) as client:
        answers = [await client.get("/api/users/7") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    return [answer.headers["X-Cache"] for answer in answers]


async def test_redis_is_used_over_tls(url: str, tmp_path: Path) -> None:
    """With the certificate that the chart's URL names, the second read comes from Redis."""
    assert await _caches(f"{url}?ssl_ca_certs={tmp_path / 'redis.crt'}") == ["MISS", "L2"]


async def test_a_redis_that_is_not_trusted_gets_nothing(url: str, tmp_path: Path) -> None:
    """With another's certificate Redis is left alone, and reads are answered without it."""
    stranger, _ = _certificate(tmp_path, "stranger")
    assert "L2" not in await _caches(f"{url}?ssl_ca_certs={stranger}")
