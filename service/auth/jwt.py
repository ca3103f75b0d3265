import time
from typing import Any

import jwt

from service.auth.errors import UnauthenticatedError
from service.auth.jwk import ALGORITHMS
from service.auth.jwks import KeySet
from service.auth.principal import Principal


class JwtVerifier:
    """Verifies JSON Web Tokens (RFC 7519, best practice of RFC 8725) against a key set.

    The algorithm is the key's, never the token's choice alone; expiry and subject are required; issuer and audience
    are checked where they are set.
    """

    def __init__(self, keys: KeySet, *, issuer: str | None, audience: str | None, leeway_seconds: float) -> None:
        self.keys = keys
        self._issuer = issuer
        self._audience = audience
        self._leeway_seconds = leeway_seconds

    async def verify(self, token: bytes) -> tuple[Principal, float]:
        """Return the principal, and until when (Unix time) the token may be believed without looking again.

        Raises:
            UnauthenticatedError: the token doesn't hold; the detail says in which respect.
        """
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise UnauthenticatedError("The token is not known.") from None
        key = await self.keys.find(str(header.get("kid", "")))
        if key is None:
            raise UnauthenticatedError("The token is signed by a key that the issuer does not publish.")
        if header.get("alg") != key.algorithm_name or header["alg"] not in ALGORITHMS:
            raise UnauthenticatedError("The token's algorithm is not that of its key.")
        try:
            claims = self._decode(token, key)
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("The token has expired.") from None
        except jwt.InvalidTokenError as error:
            raise UnauthenticatedError(
                f"The token does not hold: {type(error).__name__.removesuffix('Error')}."
            ) from None
        expires_at = float(claims["exp"]) + self._leeway_seconds
        # No longer than a key that was taken out could go unnoticed.
        return _principal(claims), min(expires_at, time.time() + self.keys.refresh_seconds)

    def _decode(self, token: bytes, key: jwt.PyJWK) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=self._issuer,
            audience=self._audience,
            leeway=self._leeway_seconds,
            options={"require": ["exp", "sub"], "verify_aud": self._audience is not None},
        )


def _principal(claims: dict[str, Any]) -> Principal:
    """Read the scopes from `scope` (RFC 8693: a string) or `scp` (a list, as some providers have it)."""
    scopes = claims.get("scope", claims.get("scp", ""))
    if isinstance(scopes, str):
        scopes = scopes.split()
    names = scopes if isinstance(scopes, list) else []
    return Principal(claims["sub"], frozenset(name for name in names if isinstance(name, str)))
