from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse

from .readiness import Readiness
from .report import Report

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
        report: Report = request.app.state.report
        content["degraded"] = report.is_degraded or not all(task.is_running for task in report.started)
        content["checks"] = {name: part.checks() for name, part in report.parts.items()}
        content["tasks"] = {task.name: task.state for task in report.started}
    return JSONResponse(content, 200 if readiness.is_ready else 503)


@router.get("/version", tags=["health"])
async def version(request: Request) -> dict[str, str]:
    """Tell what runs: the package's version and the git revision it was built from."""
    report: Report = request.app.state.report
    return {"version": report.version, "revision": report.revision}


@router.get("/gateway-health", tags=["health"])
@router.get("/api/health", tags=["health"])
async def health(request: Request) -> dict[str, str | bool]:
    """Tell which replica answers, and how it is; a part is "off" where the service has none by choice.

    Takes no token, spends no permit and is not counted as load.
    """
    report: Report = request.app.state.report
    return {
        "status": "degraded" if report.is_degraded else "healthy",
        "server_id": report.server_id,
        "version": report.version,
        **{name: part.available if part.is_enabled else "off" for name, part in report.parts.items()},
    }
