import time
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import HTTPException, Request
from starlette.responses import Response

from .cache import Loaded, TieredCache, render
from .http.conditional import Preconditions
from .staleness import Freshness
from .wrapped import Endpoint, Form, call, give, signature_of, take_request


class KeyNameError(ValueError):
    """What stands in the braces of a key is nothing that a value was given for."""

    def __init__(self, key: str, values: Mapping[str, object]) -> None:
        known = ", ".join(f"{{{name}}}" for name in values) or "nothing"
        super().__init__(f"the key {key!r} cannot be filled in: its braces may name {known}")


_NOT_THERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


def cached(key: str, *, seconds: float | None = None) -> Callable[[Endpoint], Endpoint]:
    """Answer a route from the caches of this process and of Redis, and by its function where neither has the answer.

    `key` names the answer, with the function's parameters in braces: what it depends on must be in there, and who asks
    must not be. An answer is fresh for `seconds` (else `cache_ttl_seconds`); `Fleet.forget` ends that early. Its form
    is the one that the function's return annotation names. None, or a 404 that is raised, is remembered too, for
    `cache_negative_ttl_seconds`. Dependencies run each time, and so can refuse. It goes below the route's decorator.

    Raises:
        KeyNameError: the key has a name in braces that is no parameter of the function.
    """

    def decorate(endpoint: Endpoint) -> Endpoint:
        signature = signature_of(endpoint)
        name_of(key, dict.fromkeys(signature.parameters, ""))
        form = Form(signature)

        @wraps(endpoint)
        async def read(**arguments: Any) -> Response:  # noqa: ANN401 - the route's parameters
            request = take_request(arguments, asked_by)

            async def load(_freshness: Freshness) -> Loaded:
                version = now()
                answer = await _call(endpoint, arguments)
                return Loaded(None if answer is None else form.encode(answer), version, seconds=seconds)

            return await _answer(request, name_of(key, arguments), load)

        asked_by = give(read, signature)
        return read

    return decorate


def name_of(key: str, values: Mapping[str, object]) -> str:
    """Return the key with the values in it: none of them can look like another part of it.

    Raises:
        KeyNameError: there is no such value.
    """
    try:
        return key.format_map({name: quote(str(value), safe="") for name, value in values.items()})
    except (KeyError, IndexError, AttributeError, ValueError) as error:
        raise KeyNameError(key, values) from error


def now() -> int:
    """Return the version of what is read or forgotten at this moment, in microseconds."""
    return time.time_ns() // 1000


async def _call(endpoint: Endpoint, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever it answers
    try:
        return await call(endpoint, arguments)
    except HTTPException as error:
        if error.status_code in _NOT_THERE:
            return None
        raise


async def _answer(request: Request, key: str, load: Any) -> Response:  # noqa: ANN401 - the cache's Load
    cache: TieredCache = request.app.state.cache
    entry, tier = await cache.lookup(key, load)
    if not entry.found:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    conditions = Preconditions(request.scope)
    conditions.allow_read(entry.etag)
    status, headers, body = render(entry, tier, conditions.if_none_match)
    response = Response(body, status)
    response.raw_headers[:] = headers
    return response
