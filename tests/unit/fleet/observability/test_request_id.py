import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from service.fleet.http.headers import REQUEST_ID
from service.fleet.observability import logging
from service.fleet.observability.request_id import RequestIdMiddleware, accept_or_make
from tests.asgi import answer, call, http_scope


@pytest.mark.parametrize("incoming", [b"abcdefgh", b"3f2504e0-4f89-11d3-9a0c-0305e82c3301", b"a" * 128])
def test_a_plain_id_is_kept(incoming: bytes) -> None:
    """What the proxy in front calls the request it is called here."""
    assert accept_or_make(incoming) == incoming


@pytest.mark.parametrize(
    "incoming", [None, b"", b"short", b"a" * 129, b'forged"} {"x', b"line\nbreak", "é".encode() * 8]
)
def test_any_other_is_replaced(incoming: bytes | None) -> None:
    """Nothing that could forge a log line gets into one; two new ids differ."""
    made = accept_or_make(incoming)
    assert len(made) == 32
    assert made != accept_or_make(incoming)


@given(st.binary(max_size=200))
def test_what_comes_out_is_plain(incoming: bytes) -> None:
    """Whatever comes in, an id has 8 to 128 characters that need no quoting."""
    made = accept_or_make(incoming).decode("ascii")
    assert 8 <= len(made) <= 128
    assert made.replace("-", "").replace("_", "").replace(".", "").isalnum() or set(made) <= set("._-")


@pytest.mark.anyio
async def test_the_id_is_in_the_answer_and_in_the_logs() -> None:
    """One id for the client, the application and what it logs."""
    seen: list[str | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(logging.request_id.get())
        await answer(scope, receive, send)

    sent = await call(RequestIdMiddleware(app), http_scope(headers=[(REQUEST_ID, b"request-1")]))
    assert seen == ["request-1"]
    assert (REQUEST_ID, b"request-1") in sent[0]["headers"]


@pytest.mark.anyio
async def test_the_lifespan_has_no_id() -> None:
    """Other protocols pass."""
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    await call(RequestIdMiddleware(app), {"type": "lifespan"})
    assert seen == ["lifespan"]
