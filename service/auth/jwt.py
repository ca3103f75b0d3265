import json
import time
import unicodedata
from typing import Any

import jwt
from jwt.exceptions import InvalidSubjectError

from service.auth.errors import UnauthenticatedError
from service.auth.jwk import ALGORITHMS
from service.auth.jwks import KeySet
from service.auth.principal import Principal

# OpenID Connect allows 255; a service account of Kubernetes may have some 340.
MAX_SUBJECT = 1024
MAX_TIME = 253_402_300_799
"""The end of the year 9999, in seconds since 1970."""


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
            _check_text(header)
        except Exception:  # noqa: BLE001 - the library raises what nesting, sizes and types happen to lead to
            raise UnauthenticatedError("The token is not known.") from None
        key = await self.keys.find(str(header.get("kid", "")))
        if key is None:
            raise UnauthenticatedError("The token is signed by a key that the issuer does not publish.")
        if header.get("alg") != key.algorithm_name or header["alg"] not in ALGORITHMS:
            raise UnauthenticatedError("The token's algorithm is not that of its key.")
        try:
            claims = self._decode(token, key)
            _check_text(claims)
            _check_subject(claims["sub"])
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("The token has expired.") from None
        except jwt.InvalidTokenError as error:
            raise UnauthenticatedError(
                f"The token does not hold: {type(error).__name__.removesuffix('Error')}."
            ) from None
        except Exception:  # noqa: BLE001 - as above
            raise UnauthenticatedError("The token does not hold: Decode.") from None
        for name in ("exp", "nbf", "iat"):
            if name in claims and not _is_time(claims[name]):
                raise UnauthenticatedError(f"The token does not hold: {name} is no time.")
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


def _check_text(content: dict[str, Any]) -> None:
    """Refuse half a surrogate pair, wherever it stands (RFC 7493, section 2.1): it can't be written down anywhere."""
    json.dumps(content, ensure_ascii=False).encode()


def _check_subject(subject: str) -> None:
    """A subject names somebody in keys, limits and logs."""
    if not 1 <= len(subject) <= MAX_SUBJECT or any(unicodedata.category(each) == "Cc" for each in subject):
        raise InvalidSubjectError


def _is_time(claim: object) -> bool:
    """Tell whether a claim is a NumericDate (RFC 7519, section 2) of this age; the library also takes text and True."""
    return isinstance(claim, int | float) and not isinstance(claim, bool) and abs(claim) <= MAX_TIME


def _principal(claims: dict[str, Any]) -> Principal:
    """Read the scopes from `scope` (RFC 8693: a string) or `scp` (a list, as some providers have it)."""
    scopes = claims.get("scope", claims.get("scp", ""))
    if isinstance(scopes, str):
        scopes = scopes.split()
    names = scopes if isinstance(scopes, list) else []
    return Principal(claims["sub"], frozenset(name for name in names if isinstance(name, str)))
