from typing import Protocol


class Caller(Protocol):
    """Who sends a request."""

    @property
    def subject(self) -> str:
        """Whom the request counts for."""

    @property
    def scopes(self) -> frozenset[str]:
        """What they may do."""


class Callers(Protocol):
    """Those whose tokens were verified before."""

    def known_principal(self, authorization: bytes) -> Caller | None:
        """Return whose header this is, if that is known without asking anybody."""
