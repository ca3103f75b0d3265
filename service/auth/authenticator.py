import hashlib
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from starlette.types import Scope

from service.auth import bearer
from service.auth.errors import UnauthenticatedError
from service.auth.principal import Principal
from service.auth.static_tokens import StaticTokens
from service.fleet.http.headers import field
from service.fleet.http.state_key import StateKey
from service.fleet.supervision import SupervisedTask

if TYPE_CHECKING:
    from service.auth.jwt import JwtVerifier  # pulls in cryptography: 60 ms that only JWTs need

MAX_REMEMBERED = 10_000
AUTHENTICATION = StateKey[Principal | UnauthenticatedError]("authentication")
"""Who sends a request, or why that is not known."""


class Authenticator:
    """Turns an Authorization header into a principal, and remembers the outcome until the token expires."""

    def __init__(self, static_tokens: StaticTokens, jwt: "JwtVerifier | None") -> None:
        self._static_tokens = static_tokens
        self._jwt = jwt
        # By the header's hash: a dump of this process holds no token. In order of use, to forget the oldest.
        self._remembered: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()
        if jwt is not None:
            jwt.keys.on_revoked = self._remembered.clear  # who signed by another key is verified again, and that is all

    @property
    def background(self) -> list[SupervisedTask]:
        """What runs in the background: the refresh of keys, if there are any."""
        return [] if self._jwt is None else [self._jwt.keys.background]

    async def start(self) -> None:
        """Load the keys that tokens are verified with, and keep them fresh."""
        if self._jwt is not None:
            await self._jwt.keys.start()

    async def aclose(self) -> None:
        """Stop refreshing keys."""
        if self._jwt is not None:
            await self._jwt.keys.aclose()

    def known_principal(self, authorization: bytes) -> Principal | None:
        """Return the principal of a header verified before and not expired; no I/O."""
        key = _key(authorization)
        remembered = self._remembered.get(key)
        if remembered is None:
            return None
        principal, expires_at = remembered
        if time.time() >= expires_at:
            del self._remembered[key]
            return None
        return principal

    async def authenticate_request(self, scope: Scope) -> Principal:
        """Return the principal of a request; a bad token is verified only once for each request.

        Raises:
            UnauthenticatedError: no token, or one that doesn't hold.
        """
        outcome = AUTHENTICATION.get(scope)
        if outcome is None:
            try:
                outcome = await self.authenticate(field(scope, b"authorization"))
            except UnauthenticatedError as error:
                outcome = error
            AUTHENTICATION.put(scope, outcome)
        if isinstance(outcome, UnauthenticatedError):
            raise outcome
        return outcome

    async def authenticate(self, authorization: bytes | None) -> Principal:
        """Return the principal of a header, verified now unless it was before.

        Raises:
            UnauthenticatedError: no token, or one that doesn't hold.
        """
        if authorization is not None and (principal := self.known_principal(authorization)) is not None:
            return principal
        token = bearer.parse(authorization)
        principal = self._static_tokens.find(token)
        expires_at = float("inf")
        if principal is None:
            if self._jwt is None:
                raise UnauthenticatedError("The token is not known.")
            principal, expires_at = await self._jwt.verify(token)
        assert authorization is not None  # noqa: S101 - bearer.parse raised otherwise
        self._remember(authorization, principal, expires_at)
        return principal

    def _remember(self, authorization: bytes, principal: Principal, expires_at: float) -> None:
        self._remembered[_key(authorization)] = (principal, expires_at)
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)


def _key(authorization: bytes) -> bytes:
    return hashlib.blake2b(authorization, digest_size=16).digest()
