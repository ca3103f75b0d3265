"""The users API, for clients that look at what it answers; k6 keeps no bodies."""

import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from loadtests.measure import Answer

PATH = "/api/users"
# For one answer; the client gives up only after the service and the way in have.
TIMEOUT_SECONDS = 10


def client_of(
    base_url: str, *, kept: int, headers: Mapping[str, str] | None = None, verify: ssl.SSLContext | bool = True
) -> httpx.AsyncClient:
    """Make a client that opens any number of connections, and keeps so many."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=kept)
    return httpx.AsyncClient(
        base_url=base_url, headers=headers, verify=verify, timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False
    )


async def ask(
    client: httpx.AsyncClient,
    name: str,
    method: str,
    path: str,
    **options: Any,  # noqa: ANN401 - httpx's own
) -> tuple[Answer, httpx.Response | None]:
    """Send one request; returns it as a measurement of that name, and its response if there is one."""
    at_s, started = time.time(), time.monotonic()
    response, status, error = None, 0, ""
    try:
        response = await client.request(method, path, **options)
        status = response.status_code
    except httpx.TimeoutException:
        error = "timed out"
    except httpx.TransportError as failure:
        error = type(failure).__name__
    return Answer(at_s, (time.monotonic() - started) * 1000, status, error, name=name), response


def says_nothing(response: httpx.Response) -> bool:
    """Whether it leaves open what became of the request: of the service, or of the way in that has waited in vain."""
    return response.is_server_error or (
        response.status_code == HTTPStatus.CONFLICT and "retry-after" in response.headers
    )
