"""What tutorials put together: FastAPI, a bearer dependency, one pipelined Redis trip and the instrumentator.

The trip counts the request against a fixed window and reads the cached user: INCR, EXPIRE, GET.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_fastapi_instrumentator import Instrumentator
from redis.asyncio import Redis

from loadtests.bench.contestants import IDS
from loadtests.bench.rivals.user import USER

LIMIT = 1_000_000_000
WINDOW_SECONDS = 60
redis = Redis.from_url(os.environ["BENCH_REDIS_URL"])


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Put the users into the cache."""
    await redis.mset({f"plain:user:{user_id}": json.dumps({**USER, "id": user_id}) for user_id in range(1, IDS + 1)})
    yield
    await redis.aclose()


app = FastAPI(lifespan=lifespan)
Instrumentator().instrument(app).expose(app)
bearer = HTTPBearer()


async def token(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    """Let one token in."""
    if credentials.credentials != "test-token":
        raise HTTPException(401)
    return credentials.credentials


@app.get("/api/users/{user_id}")
async def read_user(user_id: int, token: Annotated[str, Depends(token)]) -> dict[str, object]:
    """Count the request and return the cached user, in one trip."""
    async with redis.pipeline(transaction=False) as trip:
        trip.incr(f"plain:limit:{token}")
        trip.expire(f"plain:limit:{token}", WINDOW_SECONDS)
        trip.get(f"plain:user:{user_id}")
        count, _, cached = await trip.execute()
    if count > LIMIT:
        raise HTTPException(429)
    if cached is None:
        raise HTTPException(404)
    user: dict[str, object] = json.loads(cached)
    return user
