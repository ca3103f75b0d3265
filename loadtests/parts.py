"""`python -m loadtests.parts`: what each part of an L1 hit costs, in CPU time, without a socket in between.

One GET after the other is fed into uvicorn's protocol, whose transport drops what it is given, with one part of the
fast path taken out at a time. So the figures hold the parsing of the request and the writing of the headers, and no
system calls.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any
from unittest import mock

import uvicorn
import uvloop
from fastapi import FastAPI
from uvicorn.server import ServerState

from k8s.cluster.revision import revision
from loadtests.bench import cores, process
from service.app import create_app
from service.auth import Principal
from service.fleet.fastpath import FastPath, middleware
from service.fleet.server.config import ServerConfig
from service.fleet.server.uvicorn import options
from service.settings import Settings

REQUEST = b"GET /api/users/42 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer test-token\r\n\r\n"
REQUESTS, ROUNDS = 4000, 9


class Sink(asyncio.Transport):
    """Takes what a server writes, and wakes who waits for the end of the answer."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.answered = asyncio.Event()
        self.status = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Note the status line; a body, which is JSON, ends the answer."""
        if data[:5] == b"HTTP/":
            self.status = bytes(data[9:12])
        if data[-1:] == b"}":
            self.answered.set()

    def is_closing(self) -> bool:
        """Stay open."""
        return False


def _nothing(*_: object, **__: object) -> None:
    return None


def _first(incoming: bytes | None) -> bytes:
    return incoming or b"0"


def _without(fast_path: FastPath) -> dict[str, Callable[[], Any]]:
    """Each part, and how to take it out."""
    principal = Principal("developer", frozenset({"users:read"}))
    known = SimpleNamespace(known_principal=lambda _: principal)
    silent = SimpleNamespace(observe=_nothing, announce=_nothing, record=_nothing)

    def replace(name: str, value: object) -> Callable[[], Any]:
        return lambda: mock.patch.object(fast_path, name, value)

    return {
        "nothing (all of it)": lambda: mock.patch.object(fast_path, "_prefix", fast_path._prefix),  # noqa: SLF001
        "rate limit and its two headers": replace("_limiter", None),
        "token and scope": replace("_authenticator", known),
        "request metrics": replace("_metrics", {"GET": silent}),
        "access log, 1 % sampled": replace("_access_log", silent),
        "security headers": replace("_constant_headers", ()),
        "request id": lambda: mock.patch.object(middleware, "accept_or_make", _first),
        "the fast path itself: FastAPI answers": replace("_prefix", "/nowhere/"),
    }


async def _microseconds(protocol: Any, sink: Sink, requests: int) -> float:  # noqa: ANN401 - uvicorn's, of a class made at run time
    started = time.process_time()
    for _ in range(requests):
        sink.answered.clear()
        protocol.data_received(REQUEST)
        await sink.answered.wait()
    return (time.process_time() - started) / requests * 1e6


async def _measure(redis_url: str) -> Iterator[tuple[str, float, float]]:
    settings = Settings(redis_url=redis_url, rate_limit_requests=1_000_000_000)
    app = create_app(settings)
    config = uvicorn.Config(app, **options(ServerConfig.of(settings, "service.app:app", is_factory=False)))
    config.load()
    async with app.router.lifespan_context(app) as state:
        new: Any = config.http_protocol_class
        protocol = new(config=config, server_state=ServerState(), app_state=dict(state or {}))
        protocol.connection_made(sink := Sink())
        while not app.state.redis.available:  # noqa: ASYNC110 - the probe will see it
            await asyncio.sleep(0.1)
        await _microseconds(protocol, sink, 100)
        parts = _without(_fast_path(app))
        seen: dict[str, list[float]] = {name: [] for name in parts}
        for _ in range(ROUNDS):
            for name, take_out in parts.items():
                with take_out():
                    seen[name].append(
                        await _microseconds(protocol, sink, REQUESTS if "FastAPI" not in name else REQUESTS // 10)
                    )
        if sink.status != b"200":
            raise RuntimeError(f"the service answered {sink.status.decode()}")
    whole = seen["nothing (all of it)"]
    return (
        (name, median(each), median(b - a for a, b in zip(each, whole, strict=True))) for name, each in seen.items()
    )


def _fast_path(app: FastAPI) -> FastPath:
    layer: Any = app.middleware_stack
    while not isinstance(layer, FastPath):
        layer = layer.app
    return layer


@contextmanager
def _redis() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, process.redis(cores.choose()[1], Path(folder)) as url:
        yield url


def main() -> int:
    """Print the revision and the table, as docs/performance.md has them."""
    with _redis() as url:
        rows = uvloop.run(_measure(url))
    print(f"Medians of {ROUNDS} rounds of {REQUESTS:,} requests, at revision {revision()}:\n")
    print("| taken out | CPU, us a request | costs, us |\n| --- | ---: | ---: |")
    for name, microseconds, difference in rows:
        print(f"| {name} | {microseconds:.1f} | {difference:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
