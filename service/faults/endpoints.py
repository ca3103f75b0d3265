import asyncio
import time
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from service.fleet.http.parameters import DECIMAL

router = APIRouter(prefix="/api/faults", tags=["faults"], include_in_schema=False)
Milliseconds = Annotated[int, DECIMAL, Query(ge=0, le=60_000)]
_leaked: list[bytes] = []


@router.get("/cpu")
async def burn_cpu(milliseconds: Milliseconds = 50) -> dict[str, int]:
    """Keep one core busy, and this process with it."""
    end = time.perf_counter() + milliseconds / 1000
    while time.perf_counter() < end:
        pass
    return {"burned_milliseconds": milliseconds}


@router.get("/sleep")
@router.post("/sleep")
async def sleep(milliseconds: Milliseconds = 1000) -> dict[str, int]:
    """Answer late, also a request that no proxy may send twice."""
    await asyncio.sleep(milliseconds / 1000)
    return {"slept_milliseconds": milliseconds}


@router.get("/leak")
async def leak(kibibytes: Annotated[int, DECIMAL, Query(ge=1, le=1024)] = 1) -> dict[str, int]:
    """Keep so much memory for good."""
    _leaked.append(b"x" * (kibibytes * 1024))  # no zeros: the system would give no pages for them
    return {"leaked_kibibytes": kibibytes}


@router.get("/status/{code}")
async def fail(code: Annotated[int, DECIMAL, Path(ge=400, le=599)]) -> None:
    """Answer with an error."""
    if code not in set(HTTPStatus):
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"{code} is no registered status code.")
    raise HTTPException(code, "This error was asked for.")
