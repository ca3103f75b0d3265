import base64
import json
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://issuer.example.com"
AUDIENCE = "users-api"


@cache
def rsa_key(number: int = 0) -> RSAPrivateKey:  # noqa: ARG001 - tells keys apart
    """A private RSA key; the same for the same number, as one takes 0.1 s to find."""
    return generate_rsa(public_exponent=65537, key_size=2048)


@cache
def ec_key(number: int = 0) -> EllipticCurvePrivateKey:  # noqa: ARG001 - tells keys apart
    """A private key on P-256; the same for the same number."""
    return generate_ec(SECP256R1())


@dataclass(frozen=True)
class SigningKey:
    """A key of the identity provider, as it signs with it and as it publishes it."""

    key_id: str
    private: RSAPrivateKey | EllipticCurvePrivateKey

    @property
    def algorithm(self) -> str:
        """RS256 or ES256, by the key's type."""
        return "RS256" if isinstance(self.private, RSAPrivateKey) else "ES256"

    def jwk(self, **members: str) -> dict[str, Any]:
        """The public half (RFC 7517)."""
        if isinstance(self.private, RSAPrivateKey):
            public = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        public = {name: value for name, value in public.items() if name != "key_ops"}
        return {**public, "kid": self.key_id, "use": "sig", "alg": self.algorithm, **members}

    def sign(self, *, without: str | None = None, headers: dict[str, Any] | None = None, **claims: object) -> bytes:
        """A token that holds for five minutes, but for what `claims` says and `without` leaves out."""
        content: dict[str, Any] = {
            "sub": "alice",
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": int(time.time()) + 300,
            "scope": "users:read",
            **claims,
        }
        content.pop(without or "", None)
        return jwt.encode(content, self.private, self.algorithm, {"kid": self.key_id, **(headers or {})}).encode()


RSA = SigningKey("rsa-1", rsa_key())
EC = SigningKey("ec-1", ec_key())


def jwks(*keys: SigningKey) -> bytes:
    """The document an identity provider publishes."""
    return json.dumps({"keys": [key.jwk() for key in keys]}).encode()


def forge(header: object, claims: object, signature: bytes = b"") -> bytes:
    """A token put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
