import uuid
from collections.abc import Mapping
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


def delete_user(http: httpx.Client, user: Mapping[str, Any]) -> None:
    """Delete a user, as soon as writes are taken; after a try that was answered 503 there may be none left."""
    gone = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}
    wait_until(lambda: http.delete(f"/api/users/{user['id']}").status_code, gone.__contains__, 120, "a write is taken")
