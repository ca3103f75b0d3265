from typing import Any

from fastapi import Depends, FastAPI, Request
from starlette.responses import Response

from .ratelimit import Clients, Policy, RateLimiter
from .ratelimit.middleware import ROUTE_VERDICT, Verdict, refusal


class LimitedError(Exception):
    """A client has spent what a route allows."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict


class Limits:
    """What the limits of routes count by; an application without one limits nothing."""

    def __init__(self, limiter: RateLimiter, clients: Clients) -> None:
        self._limiter = limiter
        self._clients = clients

    async def spend(self, policy: Policy, request: Request) -> None:
        """Spend one request. Raises: LimitedError."""
        subject = await self._clients.subject_of(request.scope)
        bucket = self._clients.bucket(policy, request.scope, subject)
        verdict = policy, await self._limiter.decide(*bucket)
        ROUTE_VERDICT.put(request.scope, verdict)
        if not verdict[1].allowed:
            raise LimitedError(verdict)


class Limit:
    """A dependency that limits the route that has it."""

    def __init__(self, requests: int, seconds: float) -> None:
        self._requests = requests
        self._seconds = seconds
        self._policies: dict[str, Policy] = {}

    async def __call__(self, request: Request) -> None:
        """Spend one request. Raises: LimitedError."""
        limits: Limits | None = request.app.state.limits
        if limits is None:
            return
        endpoint = request.scope["endpoint"]
        name = f"{endpoint.__module__}.{endpoint.__qualname__}"
        policy = self._policies.get(name)
        if policy is None:
            policy = self._policies[name] = Policy(name, self._requests, self._seconds)
        await limits.spend(policy, request)


def limited(requests: int, *, per_seconds: float) -> Any:  # noqa: ANN401 - what Depends returns
    """Let each client call a route only so often: a default of one of its parameters, or one of its `dependencies`.

    It counts over all replicas, for each route by itself, beside the limit of the whole application
    (`rate_limit_requests`). Who asks more often gets 429 as a problem document, with Retry-After.
    """
    return Depends(Limit(requests, per_seconds))


def install(app: FastAPI, limits: Limits | None) -> None:
    """Have the limits of routes in `app` counted, and refuse what is beyond them."""
    app.state.limits = limits
    app.add_exception_handler(LimitedError, _refuse)


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, LimitedError)  # noqa: S101 - registered for this type only
    status, headers, body = refusal(*error.verdict)
    response = Response(body, status)
    response.raw_headers[:] = headers
    return response
