import json

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from service.fleet.observability.metrics import NO_ROUTE, OPERATIONAL_PATHS, OTHER, of_no_route
from service.fleet.overload import ADMITTED, InFlight, InFlightMiddleware
from tests.asgi import answer, call, http_scope
from tests.observe import sample

pytestmark = pytest.mark.anyio

IN_FLIGHT = "users_api_requests_in_flight"


class Full(InFlight):
    """Has no turn for anybody."""

    def __init__(self) -> None:
        super().__init__(max_waiting=1, wait_seconds=0.0)

    async def enter(self) -> bool:
        """Refuse."""
        return False


def layer(app: ASGIApp, requests: InFlight) -> InFlightMiddleware:
    """The layer in front of `app`."""
    metrics = of_no_route(is_traced=False)
    return InFlightMiddleware(app, in_flight=requests, metrics=metrics)


async def test_what_has_no_turn_is_answered_503() -> None:
    """As a problem document that says when to come again, and counted like every answer."""
    counted = sample("http_requests_total", handler=NO_ROUTE, method="POST", status="503")
    head, body = await call(layer(answer, Full()), http_scope(method="POST"))
    headers = dict(head["headers"])
    assert (head["status"], headers[b"retry-after"], headers[b"cache-control"]) == (503, b"1", b"no-store")
    assert headers[b"content-type"] == b"application/problem+json"
    assert int(headers[b"content-length"]) == len(body["body"])
    assert json.loads(body["body"])["status"] == 503
    assert sample("http_requests_total", handler=NO_ROUTE, method="POST", status="503") == counted + 1


async def test_a_method_that_is_made_up_makes_no_series() -> None:
    """It is counted with all others of its kind."""
    counted = sample("http_requests_total", handler=NO_ROUTE, method=OTHER, status="503")
    await call(layer(answer, Full()), http_scope(method="BREW"))
    assert sample("http_requests_total", handler=NO_ROUTE, method=OTHER, status="503") == counted + 1


@pytest.mark.parametrize("path", sorted(OPERATIONAL_PATHS))
async def test_who_looks_after_the_service_is_always_answered(path: str) -> None:
    """Probes, scrapes and health need no turn."""
    head, _ = await call(layer(answer, Full()), http_scope(path))
    assert head["status"] == 200


async def test_who_had_a_turn_already_needs_none() -> None:
    """What a layer further out has looked up is not thrown away."""
    scope = http_scope()
    ADMITTED.put(scope, True)  # noqa: FBT003 - a mark
    head, _ = await call(layer(answer, Full()), scope)
    assert head["status"] == 200


async def test_what_is_no_request_passes() -> None:
    """The lifespan is none of its business."""
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    await call(layer(app, Full()), {"type": "lifespan"})
    assert seen == ["lifespan"]


async def test_a_request_is_in_flight_until_it_ends() -> None:
    """Whether it is answered or fails."""
    seen: list[float] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(sample(IN_FLIGHT))
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await call(layer(app, InFlight(max_waiting=1, wait_seconds=1.0)), http_scope())
    assert (seen, sample(IN_FLIGHT)) == ([1], 0)
