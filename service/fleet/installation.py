import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from opentelemetry.trace import NoOpTracerProvider, TracerProvider
from starlette.types import ASGIApp

from . import limits
from .cache import CachedRead, Lookup
from .caching import name_of, now
from .fastpath import FastPath
from .fastpath.caller import Callers
from .health import endpoints as health
from .health.readiness import Readiness
from .health.report import Report
from .http import problem
from .http.security_headers import security_headers
from .middleware import wrap
from .observability import endpoints as observability
from .observability.access_log import AccessLog
from .observability.metrics import RequestMetrics
from .observability.tracing import Tracing
from .parts import OwnPart, Parts
from .ratelimit import ClientIPResolver, Clients, Override, Policies, SubjectOf, nobody
from .repetitions import Repetitions
from .settings.common import CommonSettings

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


class Fleet:
    """Makes one of many replicas of `app`, which come and go without a request being dropped.

    The application then has probes (/livez, /readyz), /version, /api/health and /metrics, answers each error with a
    problem document, limits clients, refuses what it has no time for, and drains at SIGTERM. Routes may be declared
    before or after.

    Args:
        app: the application; its own lifespan runs inside this one's.
        settings: by which variables it is set.
        own: parts of its own, by the names that /readyz?verbose and /api/health have for them.
        subject_of: whom a request counts for; clients are told apart by their addresses if it says nobody.
        limited_under: the beginning of the paths that the limit of the whole application counts.
        version: what /version and traces say.
        traces: where spans go, if one of `own` was made for it; else it is made here, where settings ask for it.
        are_versioned: whether the source gives a version to all that is cached, which then is in its ETag.
    """

    def __init__(  # noqa: PLR0913 - by keyword only
        self,
        app: FastAPI,
        settings: CommonSettings,
        *,
        own: Mapping[str, OwnPart] | None = None,
        subject_of: SubjectOf = nobody,
        limited_under: str = "/",
        version: str = "unknown",
        traces: Tracing | None = None,
        are_versioned: bool = False,
    ) -> None:
        own = own or {}
        self.settings = settings
        self._traces = traces or Tracing.of(settings, version=version)
        self.readiness = Readiness()
        self.parts = Parts(settings, own=own, traces=self._traces, are_versioned=are_versioned)
        self._app = app
        self._early: Callable[[ASGIApp], ASGIApp] | None = None
        self._access_log = AccessLog(settings.access_log_sample_ratio)
        overrides = [Override(o.requests, o.window_seconds, o.route, o.subject) for o in settings.rate_limit_overrides]
        self._policies = Policies(settings.rate_limit_requests, settings.rate_limit_window_seconds, overrides)
        clients = Clients(ClientIPResolver([str(network) for network in settings.trusted_proxies]), subject_of)
        app.state.fleet = self
        app.state.readiness = self.readiness
        app.state.redis = self.parts.redis
        app.state.cache = self.parts.cache
        app.state.repetitions = Repetitions(self.parts.carried_out, subject_of)
        app.state.report = Report(
            server_id=settings.server_id,
            version=version,
            revision=settings.revision,
            parts={"redis": self.parts.redis, **own},
            tasks=self.parts.tasks,
        )
        app.router.lifespan_context = self._around(app.router.lifespan_context)
        problem.install(app)
        limits.install(app, limits.Limits(self.parts.limiter, clients) if settings.rate_limit_enabled else None)
        app.include_router(health.router)
        app.include_router(observability.router)
        wrap(
            app,
            settings,
            limiter=self.parts.limiter,
            policies=self._policies,
            clients=clients,
            limited_under=limited_under,
            in_flight=self.parts.in_flight,
            access_log=self._access_log,
            is_traced=self._traces is not None,
        )
        self._build_layers = app.build_middleware_stack
        app.build_middleware_stack = self._layers  # type: ignore[method-assign]

    @property
    def tracer_provider(self) -> TracerProvider:
        """For spans of the application's own, and for what instruments its clients; there are none with traces off."""
        return NoOpTracerProvider() if self._traces is None else self._traces.provider

    async def forget(self, key: str, **values: object) -> None:
        """Let no replica answer from what it has of `key` any more; `values` are those in its braces.

        To be called once what was changed is there to be read. It returns when all replicas have heard; where Redis is
        away, they hear of it later, or have the answer until it is stale.
        """
        await self.parts.cache.reached(name_of(key, values), now(), time.monotonic())

    def answer_early(self, read: CachedRead, lookup: Callable[[int], Awaitable[Lookup]], callers: Callers) -> None:
        """Answer a cached read before routing, for those whose tokens are known."""
        self._early = partial(
            FastPath,
            read=read,
            cache=self.parts.cache,
            lookup=lookup,
            authenticator=callers,
            limiter=self.parts.limiter if self.settings.rate_limit_enabled else None,
            in_flight=self.parts.in_flight,
            policies=self._policies,
            metrics={
                method: RequestMetrics(read.route, method, is_traced=self._traces is not None)
                for method in ("GET", "HEAD")
            },
            constant_headers=security_headers(hsts=self.settings.is_production),
            access_log=self._access_log,
        )

    def _layers(self) -> ASGIApp:
        """Put around everything in the application what answers early, and around that what makes spans.

        `add_middleware` would put them inside Starlette's ServerErrorMiddleware and two more of FastAPI's: 2 us more
        than an L1 hit's 27 (`python -m loadtests.parts`). None of them has anything to do for an answer from the cache.
        """
        layers = self._build_layers()
        if self._early is not None:
            layers = self._early(layers)
        return layers if self._traces is None else self._traces.around(layers, self._app)

    def _around(self, inner: Lifespan) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
            async with self.parts.started(), inner(app) as state:
                with self.readiness.draining_on_sigterm(self.settings.shutdown_delay_seconds, self.parts.drain):
                    _collect_from_now_on()
                    self.readiness.is_ready = True
                    yield {**(state or {}), "readiness": self.readiness}
                self.readiness.drain()

        return lifespan


def _collect_from_now_on() -> None:
    """Turn the garbage collector on if it was off for the start, and spare it what lives as long as the process."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
