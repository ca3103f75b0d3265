from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse

from service import __version__
from service.database import Database
from service.health.readiness import Readiness
from service.redis_client import RedisClient
from service.settings import Settings
from service.supervision import SupervisedTask

router = APIRouter(tags=["health"])


@router.get("/livez", include_in_schema=False)
async def livez() -> dict[str, str]:
    """Answer as long as the event loop runs. It asks nothing else, so an outage elsewhere restarts no pods."""
    return {"status": "ok"}


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request, verbose: Annotated[str | None, Query()] = None) -> JSONResponse:
    """Answer 503 before the start is done and after the stop has begun. Without Redis the service is only degraded."""
    readiness: Readiness = request.app.state.readiness
    content: dict[str, Any] = {"status": "ok" if readiness.is_ready else "stopping"}
    if verbose is not None:
        redis: RedisClient = request.app.state.redis
        background: list[SupervisedTask] = request.app.state.background
        tasks = [task for task in background if task.is_started]
        redis_is_away = redis.is_enabled and not redis.available
        database: Database = request.app.state.database
        database_is_away = database.is_enabled and not database.available
        content["degraded"] = redis_is_away or database_is_away or not all(task.is_running for task in tasks)
        content["checks"] = {"redis": {"available": redis.available, "breaker": redis.state}}
        content["checks"]["database"] = database.checks()
        content["tasks"] = {task.name: task.state for task in tasks}
    return JSONResponse(content, 200 if readiness.is_ready else 503)


@router.get("/version", tags=["health"])
async def version(request: Request) -> dict[str, str]:
    """Tell what runs: the package's version and the git revision it was built from."""
    settings: Settings = request.app.state.settings
    return {"version": __version__, "revision": settings.revision}


@router.get("/gateway-health", tags=["health"])
@router.get("/api/health", tags=["health"])
async def health(request: Request) -> dict[str, str | bool]:
    """Tell which replica answers, and how it is; a part is "off" where the service has none by choice.

    Takes no token, spends no permit and is not counted as load.
    """
    settings: Settings = request.app.state.settings
    redis: RedisClient = request.app.state.redis
    database: Database = request.app.state.database
    is_well = all(part.available or not part.is_enabled for part in (redis, database))
    return {
        "status": "healthy" if is_well else "degraded",
        "server_id": settings.server_id,
        "version": __version__,
        "redis": redis.available if redis.is_enabled else "off",
        "database": database.available if database.is_enabled else "off",
    }
