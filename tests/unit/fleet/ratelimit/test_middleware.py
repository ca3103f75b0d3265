import json
from dataclasses import dataclass, field

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.fleet.http.headers import HeaderMiddleware
from service.fleet.ratelimit import (
    ClientIPResolver,
    Clients,
    Decision,
    Policies,
    Policy,
    RateLimiter,
    RateLimitMiddleware,
)
from service.fleet.ratelimit.middleware import VERDICT
from service.fleet.redis_client import RedisClient, RedisConfig

pytestmark = pytest.mark.anyio


@dataclass
class Exchange:
    """A middleware around an app that answers 200, over a limiter left alone by Redis: the local share counts."""

    subject: str | None = None
    limit: int = 2
    passed: int = 0
    sent: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        redis = RedisClient(RedisConfig())
        redis._breaker.is_open = True
        self.middleware = RateLimitMiddleware(
            self._app,
            limiter=RateLimiter(redis, replicas=1),
            policies=Policies(self.limit, 60),
            clients=Clients(ClientIPResolver(["10.0.0.0/8"]), self._subject_of),
        )

    async def _subject_of(self, _scope: Scope) -> str | None:
        return self.subject

    async def _app(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.passed += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"1")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def get(self, path: str = "/api/users/7", *, peer: str | None = "203.0.113.7", **extra: object) -> int:
        """Send one request; the status."""
        self.sent.clear()
        scope = {"type": "http", "path": path, "headers": [], "client": peer and (peer, 1), **extra}

        async def receive() -> Message:
            raise AssertionError("nobody reads the body")

        async def send(message: Message) -> None:
            self.sent.append(message)

        await HeaderMiddleware(self.middleware)(scope, receive, send)
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The last answer's headers."""
        return dict(self.sent[0]["headers"])


async def test_adds_headers() -> None:
    """An allowed request's answer carries its own headers and the limiter's."""
    exchange = Exchange()
    assert await exchange.get() == 200
    assert exchange.headers == {
        b"x-app": b"1",
        b"ratelimit-policy": b'"default";q=2;w=60',
        b"ratelimit": b'"default";r=1;t=60',
    }


async def test_refuses_with_a_problem() -> None:
    """Beyond the limit the app is not called; 429 says what was violated and when to come back."""
    exchange = Exchange()
    assert [await exchange.get() for _ in range(3)] == [200, 200, 429]
    assert exchange.passed == 2
    assert exchange.headers[b"retry-after"] == b"60"
    assert exchange.headers[b"content-type"] == b"application/problem+json"
    assert exchange.headers[b"ratelimit"] == b'"default";r=0;t=60'
    problem = json.loads(exchange.sent[1]["body"])
    assert problem["status"] == 429
    assert problem["violated-policies"] == ["default"]
    assert int(exchange.headers[b"content-length"]) == len(exchange.sent[1]["body"])


async def test_rotating_forwarded_for_shares_a_bucket() -> None:
    """An untrusted peer gains nothing by inventing X-Forwarded-For values."""
    exchange = Exchange()
    statuses = [await exchange.get(headers=[(b"x-forwarded-for", b"198.51.100.%d" % n)]) for n in range(4)]
    assert statuses == [200, 200, 429, 429]


async def test_clients_behind_a_trusted_proxy_have_their_own_buckets() -> None:
    """Behind a trusted proxy the addresses that it saw count, several header lines as one."""
    exchange = Exchange()
    for last in (b"198.51.100.1", b"198.51.100.2"):
        headers = [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", last)]
        assert [await exchange.get(peer="10.0.0.1", headers=headers) for _ in range(3)] == [200, 200, 429]


async def test_subject_counts_before_address() -> None:
    """A known subject is counted by its name, whatever address it calls from, and apart from the address."""
    exchange = Exchange(subject="someone")
    assert [await exchange.get(peer=f"203.0.113.{n}") for n in range(3)] == [200, 200, 429]
    exchange.subject = None
    assert await exchange.get(peer="203.0.113.0") == 200


async def test_unix_socket_peers_share_a_bucket() -> None:
    """Without a client address everyone shares one bucket."""
    exchange = Exchange()
    assert [await exchange.get(peer=None) for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/api/health"])
async def test_exempt_paths(path: str) -> None:
    """Probes, metrics and the health endpoint are never limited and carry no limit headers."""
    exchange = Exchange(limit=1)
    assert [await exchange.get(path) for _ in range(3)] == [200, 200, 200]
    assert b"ratelimit" not in exchange.headers


async def test_other_protocols_pass() -> None:
    """Lifespan and websocket scopes are passed on."""
    exchange = Exchange()
    await exchange.get(type="lifespan")
    assert exchange.passed == 1


async def test_keeps_a_verdict_reached_further_out() -> None:
    """A permit spent by the fast path is not spent twice."""
    exchange = Exchange()
    refused = Decision(allowed=False, limit=1, remaining=0, reset_seconds=9)
    left: Scope = {}
    VERDICT.put(left, (Policy("other", 1, 60), refused))
    assert await exchange.get(**left) == 429
    assert exchange.headers[b"retry-after"] == b"9"
    assert [await exchange.get() for _ in range(2)] == [200, 200]
