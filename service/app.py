import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import service.fleet.http  # noqa: F401 # isort: skip - before FastAPI, which it imports for less
from fastapi import FastAPI
from starlette.types import Scope

from service import __version__
from service.auth import Authenticator, UnauthenticatedError
from service.auth.dependencies import ForbiddenError, forbidden, unauthenticated
from service.auth.static_tokens import StaticTokens
from service.database import Database, DatabaseConfig, DatabaseUnavailableError, NoDatabase
from service.database.unavailable import unavailable
from service.fleet import Fleet
from service.fleet.idempotency import IdempotencyStore
from service.fleet.observability import tracing
from service.fleet.observability.tracing import Tracing
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
    app = FastAPI(
        title="Users API",
        version=__version__,
        lifespan=_lifespan,
        docs_url="/docs" if settings.docs_are_served else None,
        redoc_url=None,
        redirect_slashes=False,  # it would lead a token to whatever host the client named, and one path has one name
        openapi_url="/openapi.json" if settings.docs_are_served else None,
        # Left on, FastAPI looks for tracer, meter and logger providers at each request: 3 us of an L1 hit's 10.
        telemetry=tracing.OFF,
    )
    traces = Tracing.of(settings, version=__version__)
    authenticator = app.state.authenticator = _authenticator(settings)
    database = app.state.database = _database(settings, traces)
    app.state.settings = settings
    fleet = Fleet(
        app,
        settings,
        own={"database": database},
        subject_of=_subject_of(authenticator),
        limited_under="/api/",
        version=__version__,
        traces=traces,
        are_versioned=True,
    )
    own_writes = OwnWrites(fleet.parts.redis) if database.has_replicas else None
    repository = _repository(settings, database, fleet.parts.carried_out)
    users_service = app.state.users = UserService(repository, fleet.parts.cache, own_writes)
    fleet.parts.tasks += [*authenticator.background, *users_service.background]
    app.add_exception_handler(DatabaseUnavailableError, unavailable)
    app.add_exception_handler(UnauthenticatedError, unauthenticated)
    app.add_exception_handler(ForbiddenError, forbidden)
    app.include_router(users.router)
    if settings.faults_enabled:
        from service.faults import endpoints as faults  # noqa: PLC0415 - only where they are on: they slow the start

        app.include_router(faults.router)
    if settings.fast_path_enabled:
        fleet.answer_early(USER_READ, users_service.lookup, authenticator)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start what only the users API has, within what every application has."""
    state: Any = app.state
    async with AsyncExitStack() as stack:
        await state.authenticator.start()
        stack.push_async_callback(state.authenticator.aclose)
        for task in state.users.background:
            task.start()
            stack.push_async_callback(task.aclose)
        yield


def _database(settings: Settings, traces: Tracing | None) -> Database:
    if not settings.database_url:
        return NoDatabase()
    tracer = None if traces is None else traces.provider.get_tracer("service.database")
    return Database(DatabaseConfig.of(settings), tracer)


def _repository(settings: Settings, database: Database, keys: IdempotencyStore) -> UserRepository:
    if database.is_enabled:
        return PostgresUserRepository(database, key_seconds=settings.idempotency_ttl_seconds)
    logger.warning("no USERS_API_DATABASE_URL: users are made up, and writes stay in this process until it ends")
    return SeededUserRepository(keys=keys)


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
