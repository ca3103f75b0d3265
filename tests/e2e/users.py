import uuid
from http import HTTPStatus
from typing import Any

import httpx

from k8s.client.waiting import wait_until


def create_user(http: httpx.Client) -> dict[str, Any]:
    """Create a user, as soon as writes are taken, and once however often it is tried."""
    email = f"{uuid.uuid4()}@example.com"

    def post() -> httpx.Response:
        return http.post("/api/users", json={"name": "Ada", "email": email}, headers={"idempotency-key": email})

    answer = wait_until(post, lambda seen: seen.status_code == HTTPStatus.CREATED, 120, "a write is taken")
    user: dict[str, Any] = answer.json()
    return user
