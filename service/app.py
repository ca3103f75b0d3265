import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import service.fleet.http  # noqa: F401 # isort: skip - before FastAPI, which it imports for less
from fastapi import FastAPI
from starlette.types import Scope

from service import __version__, configuration
from service.auth import Authenticator, UnauthenticatedError
from service.auth.dependencies import ForbiddenError, forbidden, unauthenticated
from service.auth.static_tokens import StaticTokens
from service.database import Database, DatabaseConfig, DatabaseUnavailableError, NoDatabase
from service.database.unavailable import unavailable
from service.fleet.cache import InvalidationChannel, TieredCache
from service.fleet.fastpath import install_fast_path
from service.fleet.health import endpoints as health
from service.fleet.health.readiness import Readiness
from service.fleet.health.report import Report
from service.fleet.http import problem
from service.fleet.http.body_limit import BodyLimitMiddleware
from service.fleet.http.cors import CORSMiddleware
from service.fleet.http.headers import HeaderMiddleware, RepeatedHeaderMiddleware
from service.fleet.http.routing import RoutingMiddleware
from service.fleet.http.security_headers import SecurityHeadersMiddleware, security_headers
from service.fleet.idempotency import IdempotencyStore
from service.fleet.observability import endpoints as observability
from service.fleet.observability import metrics, tracing
from service.fleet.observability.access_log import AccessLog, AccessLogMiddleware
from service.fleet.observability.request_id import RequestIdMiddleware
from service.fleet.observability.sampling import SampledFastAPI
from service.fleet.observability.tracing import Tracing
from service.fleet.overload import InFlight, InFlightMiddleware
from service.fleet.ratelimit import ClientIPResolver, RateLimiter, RateLimitMiddleware
from service.fleet.redis_client import NoRedis, RedisClient
from service.settings import Settings
from service.users import endpoints as users
from service.users.cached_read import USER_READ
from service.users.in_process import SeededUserRepository
from service.users.own_writes import OwnWrites
from service.users.postgres import PostgresUserRepository
from service.users.repository import UserRepository
from service.users.service import UserService

logger = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Put the service together; nothing is connected before its lifespan starts."""
    settings = settings or Settings()
    traces = Tracing(configuration.tracing(settings)) if settings.otel_enabled else None
    new_app = FastAPI if traces is None else partial(SampledFastAPI, traces.sampling)
    app = new_app(
        title="Users API",
        version=__version__,
        lifespan=_lifespan,
        docs_url="/docs" if settings.docs_are_served else None,
        redoc_url=None,
        redirect_slashes=False,  # it would lead a token to whatever host the client named, and one path has one name
        openapi_url="/openapi.json" if settings.docs_are_served else None,
        # Left on, FastAPI looks for tracer, meter and logger providers at each request: 3 us of an L1 hit's 10.
        telemetry=tracing.OFF if traces is None else traces.fastapi,
    )
    app.state.traces = traces
    redis = _redis(settings, traces)
    cache = TieredCache(redis, configuration.cache(settings))
    app.state.settings = settings
    app.state.readiness = Readiness()
    app.state.redis = redis
    app.state.cache = cache
    app.state.invalidation = InvalidationChannel(redis, cache)
    app.state.limiter = RateLimiter(
        redis, replicas=settings.rate_limit_expected_replicas, local_keys=settings.rate_limit_local_keys
    )
    app.state.in_flight = InFlight(
        max_waiting=settings.overload_max_waiting, wait_seconds=settings.overload_wait_seconds
    )
    app.state.authenticator = _authenticator(settings)
    app.state.background = [
        redis.background,
        app.state.invalidation.background,
        app.state.limiter.background,
        *app.state.authenticator.background,
    ]
    app.state.database = _database(settings, traces)
    app.state.background += app.state.database.background
    own_writes = OwnWrites(redis) if app.state.database.has_replicas else None
    app.state.users = UserService(_repository(app, settings), cache, own_writes)
    app.state.background += app.state.users.background
    app.state.report = Report(
        server_id=settings.server_id,
        version=__version__,
        revision=settings.revision,
        parts={"redis": redis, "database": app.state.database},
        tasks=app.state.background,
    )

    problem.install(app)
    app.add_exception_handler(DatabaseUnavailableError, unavailable)
    app.add_exception_handler(UnauthenticatedError, unauthenticated)
    app.add_exception_handler(ForbiddenError, forbidden)
    app.include_router(health.router)
    app.include_router(observability.router)
    app.include_router(users.router)
    if settings.faults_enabled:
        from service.faults import endpoints as faults  # noqa: PLC0415 - only where they are on: they slow the start

        app.include_router(faults.router)
    _add_middleware(app, settings)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """Wrap the routes; what is added last is outermost."""
    app.add_middleware(RoutingMiddleware)
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    app.add_middleware(RepeatedHeaderMiddleware)
    if settings.rate_limit_enabled:
        app.add_middleware(
            RateLimitMiddleware,
            limiter=app.state.limiter,
            policies=configuration.policies(settings),
            client_ip=ClientIPResolver([str(network) for network in settings.trusted_proxies]),
            subject_of=_subject_of(app.state.authenticator),
        )
    metrics.instrument(app)
    app.add_middleware(
        InFlightMiddleware,
        in_flight=app.state.in_flight,
        metrics=metrics.of_no_route(is_traced=settings.otel_enabled),
    )
    app.add_middleware(problem.UnexpectedErrorMiddleware)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"],
            expose_headers=[
                *("etag", "location", "ratelimit", "ratelimit-policy", "retry-after", "x-cache", "x-request-id"),
            ],
        )
    app.add_middleware(SecurityHeadersMiddleware, hsts=settings.environment == "production")
    access_log = AccessLog(settings.access_log_sample_ratio)
    app.add_middleware(AccessLogMiddleware, log=access_log)
    app.add_middleware(RequestIdMiddleware)
    app.add_middleware(HeaderMiddleware)
    if settings.fast_path_enabled:
        install_fast_path(
            app,
            read=USER_READ,
            cache=app.state.cache,
            lookup=app.state.users.lookup,
            authenticator=app.state.authenticator,
            limiter=app.state.limiter if settings.rate_limit_enabled else None,
            in_flight=app.state.in_flight,
            policies=configuration.policies(settings),
            metrics={
                method: metrics.RequestMetrics(USER_READ.route, method, is_traced=settings.otel_enabled)
                for method in ("GET", "HEAD")
            },
            constant_headers=security_headers(hsts=settings.environment == "production"),
            access_log=access_log,
        )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Start the parts in the order they need each other, and stop them in the reverse one."""
    state: Any = app.state
    async with AsyncExitStack() as stack:
        if state.traces is not None:
            stack.push_async_callback(asyncio.to_thread, state.traces.close)
        await asyncio.gather(state.redis.start(), state.database.start())
        stack.push_async_callback(state.database.aclose)
        stack.push_async_callback(state.redis.aclose)
        if not state.redis.is_enabled and state.settings.is_alone:
            state.cache.trust_always()
        await state.invalidation.start()
        stack.push_async_callback(state.invalidation.aclose)
        stack.push_async_callback(state.cache.aclose)
        await state.limiter.start()
        stack.push_async_callback(state.limiter.aclose)
        await state.authenticator.start()
        stack.push_async_callback(state.authenticator.aclose)
        for task in state.users.background:
            task.start()
            stack.push_async_callback(task.aclose)
        readiness: Readiness = state.readiness
        with readiness.draining_on_sigterm(state.settings.shutdown_delay_seconds, state.database.drain):
            _collect_from_now_on()
            readiness.is_ready = True
            yield {"readiness": readiness}
        readiness.drain()


def _collect_from_now_on() -> None:
    """Turn the garbage collector on if it was off for the start, and spare it what lives as long as the process."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _redis(settings: Settings, traces: Tracing | None) -> RedisClient:
    if not settings.redis_url:
        return NoRedis()
    return RedisClient(configuration.redis(settings), None if traces is None else traces.instrument_redis)


def _database(settings: Settings, traces: Tracing | None) -> Database:
    if not settings.database_url:
        return NoDatabase()
    tracer = None if traces is None else traces.provider.get_tracer("service.database")
    return Database(DatabaseConfig.of(settings), tracer)


def _repository(app: FastAPI, settings: Settings) -> UserRepository:
    database: Database = app.state.database
    if database.is_enabled:
        return PostgresUserRepository(database, key_seconds=settings.idempotency_ttl_seconds)
    logger.warning("no USERS_API_DATABASE_URL: users are made up, and writes stay in this process until it ends")
    return SeededUserRepository(keys=IdempotencyStore(app.state.redis, ttl_seconds=settings.idempotency_ttl_seconds))


def _authenticator(settings: Settings) -> Authenticator:
    source = settings.jwt_jwks_file or (settings.jwt_jwks_url and str(settings.jwt_jwks_url))
    verifier = None
    if source:
        from service.auth.jwks import KeySet  # noqa: PLC0415 - cryptography takes 60 ms to import; static tokens need none of it
        from service.auth.jwt import JwtVerifier  # noqa: PLC0415 - likewise

        verifier = JwtVerifier(
            KeySet(source, refresh_seconds=settings.jwt_jwks_refresh_seconds),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            leeway_seconds=settings.jwt_leeway_seconds,
        )
    return Authenticator(StaticTokens(settings.tokens), verifier)


def _subject_of(authenticator: Authenticator) -> Callable[[Scope], Awaitable[str | None]]:
    async def subject_of(scope: Scope) -> str | None:
        try:
            return (await authenticator.authenticate_request(scope)).subject
        except UnauthenticatedError:
            return None

    return subject_of
