from http import HTTPStatus
from uuid import uuid4

import httpx
import pytest

from k8s.client.waiting import wait_until
from tests.e2e.release import Release
from tests.redis_process import PATIENT_SECONDS

pytestmark = pytest.mark.e2e

LIMIT = 20
WINDOW_SECONDS = 60
# A client of whom no replica has heard before.
TOKEN = f"client-{uuid4()}"


@pytest.fixture
def limited(installed: Release, http: httpx.Client) -> httpx.Client:
    """Limit each client to twenty requests a minute, over all replicas, which wait for Redis as long as it takes."""
    token = {"token": TOKEN, "subject": TOKEN, "scopes": ["users:read"]}
    limit = {"requests": LIMIT, "windowSeconds": WINDOW_SECONDS}
    # Where a busy machine lets an answer of Redis take too long, each goes by its own share.
    patience = {"USERS_API_REDIS_CALL_TIMEOUT_SECONDS": str(PATIENT_SECONDS)}
    installed.configure({"config": {"rateLimit": limit, "extra": patience}, "auth": {"staticTokens": [token]}})
    http.headers["authorization"] = f"Bearer {TOKEN}"
    wait_until(
        lambda: http.get("/api/health").json()["server_id"],
        lambda server_id: server_id in installed.pods(),
        30,
        "an answer by a pod of the new template",
    )
    return http


def test_the_request_after_the_limit_is_refused(limited: httpx.Client) -> None:
    """At a limit of 20 a minute the 21st request gets 429, never 503, and is told when to come back."""
    answers = [limited.get("/api/users/1") for _ in range(LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [HTTPStatus.OK] * LIMIT + [HTTPStatus.TOO_MANY_REQUESTS]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= WINDOW_SECONDS


def test_made_up_addresses_share_one_limit(limited: httpx.Client) -> None:
    """A client without a token that invents a new X-Forwarded-For each time is limited as one client."""
    del limited.headers["authorization"]
    statuses = [
        limited.get("/api/users/1", headers={"x-forwarded-for": f"203.0.113.{number}"}).status_code
        for number in range(2 * LIMIT)
    ]
    refused = statuses.count(HTTPStatus.TOO_MANY_REQUESTS)
    assert refused >= LIMIT - 1, statuses
    assert set(statuses) == {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
