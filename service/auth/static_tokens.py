import hashlib
import hmac
from collections.abc import Sequence

from service.auth.principal import Principal
from service.settings import StaticToken


class StaticTokens:
    """Tokens known by their hashes; compared in constant time, each of them, so that timing tells nothing."""

    def __init__(self, tokens: Sequence[StaticToken]) -> None:
        self._known = [(token.sha256.encode(), Principal(token.subject, token.scopes)) for token in tokens]

    def find(self, token: bytes) -> Principal | None:
        """Return whose `token` it is."""
        digest = hashlib.sha256(token).hexdigest().encode()
        found = None
        for known, principal in self._known:
            if hmac.compare_digest(known, digest):
                found = principal
        return found
