"""One JSON route of FastAPI and nothing else: no authentication, no limit, no cache, no metrics."""

from fastapi import FastAPI

from loadtests.bench.rivals.user import USER

app = FastAPI()


@app.get("/api/users/1")
async def read_user() -> dict[str, object]:
    """Return a constant."""
    return USER
