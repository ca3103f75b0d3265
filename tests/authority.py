"""A certificate by an authority that has no more extensions than EKS's: basic constraints, and no key identifiers."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME = dt.timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """PEM files: of the authority, and of a server's certificate with its key."""

    authority: Path
    server: Path


def sign(folder: Path) -> Signed:
    """Make an authority, and have it sign a certificate for this host's loopback."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    authority = (
        _named("kubernetes", authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _named("server", key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    signed = Signed(folder / "authority.pem", folder / "server.pem")
    signed.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    signed.server.write_bytes(own + certificate.public_bytes(serialization.Encoding.PEM))
    return signed


def _named(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, "kubernetes"))
    return x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), now - LIFETIME, now + LIFETIME
    )
