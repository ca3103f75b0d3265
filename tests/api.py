from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from service.app import create_app
from service.settings import Settings
from tests.observe import until
from tests.postgres_process import PATIENT, as_settings
from tests.redis_process import NO_REDIS, PATIENT_SECONDS

TOKEN = {"authorization": "Bearer test-token"}


@asynccontextmanager
async def running(**settings: object) -> AsyncIterator[FastAPI]:
    """The whole application; without Redis unless `redis_url` names one, and patient unless told otherwise.

    Started, and hearing of the writes of others if it has a Redis: until then it fills no cache that others read.
    """
    defaults = {
        "redis_url": NO_REDIS,
        "redis_connect_timeout_seconds": PATIENT_SECONDS,
        "redis_call_timeout_seconds": PATIENT_SECONDS,
        **as_settings(PATIENT),
    }
    app = create_app(Settings.model_validate({**defaults, **settings}))
    async with app.router.lifespan_context(app):
        await until(lambda: app.state.cache.trusted_until > 0 or not app.state.redis.available)
        yield app


def client_of(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    """A client that calls `app` in this process; what the application raises arrives as its answer."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)


@asynccontextmanager
async def calling(**settings: object) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the test token, and an application for it."""
    async with running(**settings) as app, client_of(app, **TOKEN) as client:
        yield client
