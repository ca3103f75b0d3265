"""The users API, for clients that look at what it answers; k6 keeps no bodies."""

import json
import math
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey

from k8s.client.application import USERS
from loadtests.measure import Answer

PATH = USERS
# For one answer; the client gives up only after the service and the way in have.
TIMEOUT_SECONDS = 10
# An idle connection, less than servers keep it: one that is just being closed would fail a POST.
KEPT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered, read to its end."""

    status: int
    headers: Mapping[str, str]
    """By name, whatever its case."""
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - what the body holds
        """Read the body as JSON."""
        return json.loads(self.body)


class _Connections(aiohttp.TCPConnector):
    """Any number of them, of which so many stay open when they are idle: aiohttp itself has no such limit."""

    def __init__(self, *, kept: int, verify: ssl.SSLContext | bool) -> None:
        super().__init__(limit=0, ssl=verify, keepalive_timeout=KEPT_SECONDS)
        self._kept = kept

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        idle = len(self._conns.get(key, ()))
        super()._release(key, protocol, should_close=should_close or idle >= self._kept)


def client_of(
    base_url: str, *, kept: int, headers: Mapping[str, str] | None = None, verify: ssl.SSLContext | bool = True
) -> aiohttp.ClientSession:
    """Make a client, in an event loop, that opens any number of connections, and keeps so many."""
    client = aiohttp.ClientSession(
        f"{base_url.rstrip('/')}/",
        headers=headers,
        connector=_Connections(kept=kept, verify=verify),
        # Longer times end at whole seconds otherwise.
        timeout=aiohttp.ClientTimeout(TIMEOUT_SECONDS, ceil_threshold=math.inf),
    )
    # A GET or DELETE whose connection ends would be sent again, and what failed be no failure; a POST never is.
    client._retry_connection = False  # noqa: SLF001 - there is no other way; aiohttp's own test client does this
    return client


async def ask(
    client: aiohttp.ClientSession,
    name: str,
    method: str,
    path: str,
    **options: Any,  # noqa: ANN401 - aiohttp's own
) -> tuple[Answer, Response | None]:
    """Send one request; returns it as a measurement of that name, and its response if there is one."""
    at_s, started = time.time(), time.monotonic()
    response, status, error = None, 0, ""
    try:
        # Without its slash, as aiohttp would leave out the path of the client's URL.
        async with client.request(method, path.lstrip("/"), allow_redirects=False, **options) as coming:
            body = await coming.read()
        response, status = Response(coming.status, coming.headers, body), coming.status
    except TimeoutError:
        error = "timed out"
    except aiohttp.ClientError as failure:
        error = type(failure).__name__
    return Answer(at_s, (time.monotonic() - started) * 1000, status, error, name=name), response


def says_nothing(response: Response) -> bool:
    """Whether it leaves open what became of the request: of the service, or of the way in that has waited in vain."""
    return response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or (
        response.status == HTTPStatus.CONFLICT and "retry-after" in response.headers
    )
