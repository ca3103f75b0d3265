import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, Form, HTTPException, Request, Response, UploadFile
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.types import Scope

from service.fleet import Fleet, FleetSettings, idempotent
from service.fleet.http.headers import field
from tests.api import client_of

pytestmark = pytest.mark.anyio

ONE = {"idempotency-key": "one"}


class Order(BaseModel):
    """What is ordered."""

    item: int


class Shop:
    """An application that takes orders, and those that it took."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.fleet = Fleet(self.app, FleetSettings("SHOP_"), subject_of=self._subject_of)
        self.orders: list[int] = []

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """Start it, and ask it."""
        async with self.app.router.lifespan_context(self.app), client_of(self.app) as client:
            yield client

    async def _subject_of(self, scope: Scope) -> str | None:
        name = field(scope, b"x-name")
        return None if name is None else name.decode()


async def test_a_repetition_gets_the_first_answer() -> None:
    """With its status and headers; nothing is ordered a second time, unless there is no key or another one."""
    shop = Shop()

    @shop.app.post("/orders", status_code=201)
    @idempotent
    async def order(order: Order, response: Response) -> Order:
        shop.orders.append(order.item)
        response.headers["location"] = f"/orders/{len(shop.orders)}"
        return order

    async with shop.client() as client:
        first, again = [await client.post("/orders", json={"item": 7}, headers=ONE) for _ in range(2)]
        other = await client.post("/orders", json={"item": 7}, headers={"idempotency-key": "two"})
        without = await client.post("/orders", json={"item": 7})
        schema = (await client.get("/openapi.json")).json()
    assert (first.status_code, first.json(), first.headers["location"]) == (201, {"item": 7}, "/orders/1")
    assert (again.status_code, again.content, again.headers["location"]) == (201, first.content, "/orders/1")
    assert [each.headers["location"] for each in (other, without)] == ["/orders/2", "/orders/3"]
    assert len(shop.orders) == 3
    parameters = schema["paths"]["/orders"]["post"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["Idempotency-Key"]


async def test_a_key_is_of_one_request_of_one_client() -> None:
    """With another body or path it is refused; the same text of another client is another key."""
    shop = Shop()

    @shop.app.post("/orders/{place}")
    @idempotent
    def order(place: str, order: Order) -> str:  # not async: it runs in a thread
        shop.orders.append(order.item)
        return place

    async with shop.client() as client:
        await client.post("/orders/here", json={"item": 7}, headers=ONE)
        changed = await client.post("/orders/here", json={"item": 8}, headers=ONE)
        elsewhere = await client.post("/orders/there", json={"item": 7}, headers=ONE)
        malformed = await client.post("/orders/here", json={"item": 7}, headers={"idempotency-key": "a b"})
        assert shop.orders == [7]
        for name in ("Ada", "Grace"):
            await client.post("/orders/here", json={"item": 9}, headers={**ONE, "x-name": name})
    assert [each.status_code for each in (changed, elsewhere, malformed)] == [422, 422, 422]
    assert changed.json()["detail"].endswith("a new request takes a new key.")
    assert shop.orders == [7, 9, 9]


async def test_a_repetition_of_what_is_under_way_has_to_wait() -> None:
    """It is told to ask again, as nobody knows yet what to answer."""
    shop, has_begun, goes_on = Shop(), asyncio.Event(), asyncio.Event()

    @shop.app.post("/orders")
    @idempotent
    async def order() -> str:
        has_begun.set()
        await goes_on.wait()
        return "done"

    async with shop.client() as client:
        first = asyncio.create_task(client.post("/orders", headers=ONE))
        await has_begun.wait()
        early = await client.post("/orders", headers=ONE)
        goes_on.set()
        late = await first
    assert (early.status_code, early.headers["retry-after"]) == (409, "1")
    assert late.json() == "done"


@pytest.mark.parametrize("is_raised", [True, False])
async def test_an_error_is_not_kept(is_raised: bool) -> None:  # noqa: FBT001 - of the parametrization
    """Whether it is raised or returned: the client may send the request again, and it is carried out then."""
    shop = Shop()

    @shop.app.post("/orders")
    @idempotent
    async def order() -> Response:
        shop.orders.append(1)
        if len(shop.orders) > 1:
            return Response("ordered", 202)
        if is_raised:
            raise HTTPException(503)
        return Response("closed", 503)

    async with shop.client() as client:
        answers = [await client.post("/orders", headers=ONE) for _ in range(3)]
    assert [each.status_code for each in answers] == [503, 202, 202]
    assert len(shop.orders) == 2


async def test_the_function_may_take_the_request() -> None:
    """It gets the one that FastAPI gives, of which there is one parameter only."""
    shop = Shop()

    @shop.app.post("/orders")
    @idempotent
    async def order(request: Request) -> str:
        shop.orders.append(1)
        return request.headers["idempotency-key"]

    async with shop.client() as client:
        answers = [await client.post("/orders", headers=ONE) for _ in range(2)]
    assert [(each.status_code, each.json()) for each in answers] == [(200, "one")] * 2
    assert len(shop.orders) == 1


async def test_an_answer_may_have_no_body() -> None:
    """204 has none, and neither has its repetition."""
    shop = Shop()

    @shop.app.delete("/orders", status_code=204)
    @idempotent
    async def cancel() -> None:
        shop.orders.append(1)

    async with shop.client() as client:
        answers = [await client.delete("/orders", headers=ONE) for _ in range(2)]
    assert [(each.status_code, each.content) for each in answers] == [(204, b"")] * 2
    assert len(shop.orders) == 1


async def test_what_cannot_be_given_again_is_refused() -> None:
    """A form's bytes are gone once it was read, which is said where the route is declared; a stream's when it comes."""

    async def described(text: Annotated[str, Form()]) -> None: ...
    async def uploaded(file: UploadFile | None = None) -> None: ...

    for endpoint in (described, uploaded):
        with pytest.raises(TypeError, match="takes a form"):
            idempotent(endpoint)
    shop = Shop()

    @shop.app.post("/orders")
    @idempotent
    async def order() -> Response:
        return StreamingResponse(iter([b"a", b"b"]))

    async with shop.client() as client:
        assert (await client.post("/orders", headers=ONE)).status_code == 500
