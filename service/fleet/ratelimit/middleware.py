import json
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..http.state_key import StateKey
from .clients import Clients
from .decision import Decision
from .limiter import RateLimiter
from .policy import Policies, Policy

Verdict = tuple[Policy, Decision]
VERDICT = StateKey[Verdict]("rate_limit")
"""What a layer further out was told already, so that a request spends one permit."""
ROUTE_VERDICT = StateKey[Verdict]("route_rate_limit")
"""What the route's own limit said, for the answer's headers."""


class RateLimitMiddleware:
    """Limits everything under `prefix` by token subject, and what carries no valid token by client address.

    So guessing tokens is limited too. `exempt` paths spend nothing. Adds RateLimit-Policy and RateLimit to each
    answer; refuses with 429, Retry-After and a problem document (RFC 6585, RFC 9457).
    """

    def __init__(  # noqa: PLR0913 - by keyword only
        self,
        app: ASGIApp,
        *,
        limiter: RateLimiter,
        policies: Policies,
        clients: Clients,
        prefix: str = "/api/",
        exempt: frozenset[str] = frozenset({"/api/health"}),
    ) -> None:
        self._app = app
        self._limiter = limiter
        self._policies = policies
        self._clients = clients
        self._prefix = prefix
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 429 or pass on."""
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix) or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
            return
        policy, decision = VERDICT.get(scope) or await self._decide(scope)
        headers = policy.headers(decision)
        if not decision.allowed:
            status, more, body = refusal(policy, decision)
            await send({"type": "http.response.start", "status": status, "headers": more + headers})
            await send({"type": "http.response.body", "body": body})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = ROUTE_VERDICT.get(scope)
                more = () if own is None else own[0].headers(own[1])
                message["headers"] = [*message.get("headers", ()), *headers, *more]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    async def _decide(self, scope: Scope) -> Verdict:
        subject = await self._clients.subject_of(scope)
        policy = self._policies.find(scope["path"], subject)
        return policy, await self._limiter.decide(*self._clients.bucket(policy, scope, subject))


def refusal(policy: Policy, decision: Decision) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers (the policy's own not among them) and body of a refusal.

    The draft's problem type tells a client which policy it ran into.
    """
    body = json.dumps(
        {
            "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
            "title": "Too Many Requests",
            "status": 429,
            "detail": f"At most {policy.requests} requests in {policy.window_seconds:g} seconds are allowed. "
            f"Try again in {decision.reset_seconds} seconds.",
            "violated-policies": [policy.name],
        },
    ).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"%d" % decision.reset_seconds),
        (b"cache-control", b"no-store"),
    ]
    return HTTPStatus.TOO_MANY_REQUESTS, headers, body
