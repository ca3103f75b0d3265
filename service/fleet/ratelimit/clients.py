from collections.abc import Awaitable, Callable

from starlette.types import Scope

from ..http.headers import field
from .client_ip import ClientIPResolver
from .policy import Bucket, Policy

SubjectOf = Callable[[Scope], Awaitable[str | None]]
"""Returns whom a request counts for; None where that is known by its address only."""


async def nobody(_scope: Scope) -> None:
    """Know nobody: all are told apart by their addresses."""


class Clients:
    """Tells whose request it is: a subject's, or an address's."""

    def __init__(self, client_ip: ClientIPResolver, subject_of: SubjectOf) -> None:
        self._client_ip = client_ip
        self.subject_of = subject_of

    def bucket(self, policy: Policy, scope: Scope, subject: str | None) -> Bucket:
        """Return what the request spends of."""
        if subject is not None:
            return policy.subject_bucket(subject)
        client = scope.get("client")
        address = self._client_ip.resolve(client[0] if client else "", field(scope, b"x-forwarded-for") or b"")
        return policy.address_bucket(address)
