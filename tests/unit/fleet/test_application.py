from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

from service.fleet import Fleet, FleetSettings, cached, limited
from tests.api import client_of

pytestmark = pytest.mark.anyio


class Item(BaseModel):
    """What the shop has."""

    name: str


class Shop:
    """An application of a few lines, and what it was asked for."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - of FleetSettings
        self.app = FastAPI(lifespan=self._lifespan)
        self.fleet = Fleet(self.app, FleetSettings("SHOP_", **settings), version="1.2.3")
        self.reads: list[object] = []
        self.is_open = False

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[dict[str, str]]:
        self.is_open = True
        yield {"till": "open"}
        self.is_open = False

    @asynccontextmanager
    async def client(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """Start it, and ask it."""
        async with self.app.router.lifespan_context(self.app) as state:
            assert state is not None
            assert state["till"] == "open"
            async with client_of(self.app, **headers) as client:
                yield client


async def test_an_application_gets_what_every_one_needs() -> None:
    """Probes, version, metrics, headers and problem documents, around its own lifespan."""
    shop = Shop(revision="abc", environment="production", cors_origins=("https://shop.example.com",))
    async with shop.client() as client:
        assert shop.is_open
        assert (await client.get("/readyz")).json() == {"status": "ok"}
        assert (await client.get("/version")).json() == {"version": "1.2.3", "revision": "abc"}
        assert "http_requests_total" in (await client.get("/metrics")).text
        missing = await client.get("/nothing", headers={"origin": "https://shop.example.com"})
    assert not shop.is_open
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    for header in ("strict-transport-security", "x-request-id", "ratelimit", "access-control-allow-origin"):
        assert header in missing.headers


async def test_a_cached_read_is_read_once() -> None:
    """The second answer is the first's; it is read again once it was forgotten, and its ETag is that of its body."""
    shop = Shop()

    @shop.app.get("/items/{item}")
    @cached("item:{item}", seconds=30)
    async def read(item: int) -> Item:
        shop.reads.append(item)
        return Item(name=f"item {item}")

    async with shop.client() as client:
        first, second, other = [await client.get(f"/items/{item}") for item in (7, 7, 8)]
        held = await client.get("/items/7", headers={"if-none-match": first.headers["etag"]})
        await shop.fleet.forget("item:{item}", item=7)
        third = await client.get("/items/7")
        refused = await client.get("/items/7", headers={"if-match": '"another"'})
        schema = (await client.get("/openapi.json")).json()
    assert [each.headers["x-cache"] for each in (first, second, other, third)] == ["MISS", "L1", "MISS", "MISS"]
    assert first.json() == second.json() == {"name": "item 7"}
    assert (held.status_code, refused.status_code) == (304, 412)
    assert third.headers["etag"] == first.headers["etag"]
    assert shop.reads == [7, 8, 7]
    parameters = schema["paths"]["/items/{item}"]["get"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["item"]


async def test_a_value_in_a_key_is_nothing_but_a_value() -> None:
    """Two requests whose values look alike in a row have two answers."""
    shop = Shop()

    @shop.app.get("/pairs/{one}/{other}")
    @cached("pair:{one}:{other}")
    def read(one: str, other: str) -> list[str]:  # not async: it runs in a thread
        return [one, other]

    async with shop.client() as client:
        assert (await client.get("/pairs/a:b/c")).json() == ["a:b", "c"]
        assert (await client.get("/pairs/a/b:c")).json() == ["a", "b:c"]


async def test_a_cached_read_may_take_the_request() -> None:
    """Under the name and in the way that the function gives it."""
    shop = Shop()

    @shop.app.get("/plain/{item}")
    @cached("plain:{item}")
    async def plain(item: str, request: Request) -> list[str]:
        return [item, request.url.path]

    @shop.app.get("/annotated/{item}")
    @cached("annotated:{item}")
    def annotated(asked: Annotated[Request, "whose path counts"], item: str) -> list[str]:
        return [item, asked.url.path]

    async with shop.client() as client:
        assert (await client.get("/plain/one")).json() == ["one", "/plain/one"]
        assert (await client.get("/annotated/two")).json() == ["two", "/annotated/two"]


@pytest.mark.parametrize("key", ["item:{itme}", "item:{}", "item:{0}", "item:{item.name}", "item:{item", "{item:d}"])
async def test_a_key_that_cannot_be_filled_in_is_refused(key: str) -> None:
    """It is where the route is declared, or where it is forgotten, and the error says what it may name."""
    app = FastAPI()
    fleet = Fleet(app, FleetSettings())
    with pytest.raises(ValueError, match=r"cannot be filled in: its braces may name \{item\}$"):

        @cached(key)
        async def read(item: int) -> int:
            return item

    with pytest.raises(ValueError, match=r"its braces may name nothing$"):
        await fleet.forget("item:{item}")


async def test_that_there_is_nothing_is_remembered() -> None:
    """Whether the function returns None or raises 404; another error is the client's own, and asked for again."""
    shop = Shop()

    @shop.app.get("/items/{item}")
    @cached("item:{item}")
    async def read(item: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - any form
        shop.reads.append(item)
        if item > 1:
            raise HTTPException(404 if item == 2 else 409)

    async with shop.client() as client:
        statuses = [(await client.get(f"/items/{item}")).status_code for item in (1, 1, 2, 2, 3, 3)]
    assert statuses == [404, 404, 404, 404, 409, 409]
    assert shop.reads == [1, 2, 3, 3]


async def test_a_route_has_a_limit_of_its_own() -> None:
    """It counts for each route and client, beside the limit of all, and refuses as that does; on cached reads too."""
    shop = Shop()
    router = APIRouter(prefix="/shop")

    @router.get("/items/{item}")
    @cached("item:{item}")
    async def read(item: int, _: Annotated[None, limited(2, per_seconds=60)]) -> int:
        return item

    @router.post("/orders", dependencies=[limited(1, per_seconds=60)])
    async def order() -> int:
        return 1

    shop.app.include_router(router)
    async with shop.client() as client:
        reads = [await client.get("/shop/items/1") for _ in range(3)]
        orders = [await client.post("/shop/orders") for _ in range(2)]
        other = await client.get("/livez")
    assert [each.status_code for each in reads] == [200, 200, 429]
    assert [each.status_code for each in orders] == [200, 429]
    assert other.status_code == 200
    refusal = reads[2]
    assert (refusal.headers["content-type"], refusal.headers["retry-after"]) == ("application/problem+json", "60")
    (name,) = refusal.json()["violated-policies"]
    assert name.endswith("read")
    assert f'"default";r=1197;t=60, "{name}";r=0;t=60' == refusal.headers["ratelimit"]


async def test_where_limits_are_off_there_are_none() -> None:
    """Neither that of all nor that of a route."""
    shop = Shop(rate_limit_enabled=False)

    @shop.app.get("/", dependencies=[limited(1, per_seconds=60)])
    async def read() -> None:
        return None

    async with shop.client() as client:
        responses = [await client.get("/") for _ in range(2)]
    assert [each.status_code for each in responses] == [200, 200]
    assert "ratelimit" not in responses[1].headers


async def test_dependencies_refuse_who_may_not_have_what_is_cached() -> None:
    """They run at each request, as on any route."""
    shop = Shop()

    def allowed(key: str) -> None:
        if key != "open":
            raise HTTPException(403)

    @shop.app.get("/secret", dependencies=[Depends(allowed)])
    @cached("secret")
    async def read() -> str:
        return "42"

    async with shop.client() as client:
        statuses = [(await client.get("/secret", params={"key": key})).status_code for key in ("open", "shut", "open")]
    assert statuses == [200, 403, 200]
