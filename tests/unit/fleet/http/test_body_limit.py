import pytest
from fastapi import HTTPException
from starlette.types import Receive, Scope, Send

from service.fleet.http.body_limit import BodyLimitMiddleware
from tests.asgi import Headers, answer, call, http_scope

pytestmark = pytest.mark.anyio


async def _reader(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["more_body"]:
        pass
    await answer(scope, receive, send)


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"10")], [(b"content-length", b"-1")]])
async def test_a_body_up_to_the_limit_is_read(headers: Headers) -> None:
    """Ten bytes are ten bytes, in one piece or several, announced or not."""
    sent = await call(BodyLimitMiddleware(_reader, max_bytes=10), http_scope(headers=headers), [b"12345", b"67890"])
    assert sent[0]["status"] == 200


@pytest.mark.parametrize("chunks", [[b"12345678901"], [b"1234567890", b"1"]])
async def test_a_longer_body_is_not_read_on(chunks: list[bytes]) -> None:
    """The byte beyond the limit raises 413 where the application reads."""
    with pytest.raises(HTTPException, match="more than 10 bytes") as raised:
        await call(BodyLimitMiddleware(_reader, max_bytes=10), http_scope(), chunks)
    assert raised.value.status_code == 413


async def test_a_body_announced_too_long_is_not_begun() -> None:
    """Nothing is received, so that a client that asked by `Expect: 100-continue` is told not to send."""
    scope = http_scope(headers=[(b"content-length", b"11")])
    with pytest.raises(HTTPException):
        await BodyLimitMiddleware(_reader, max_bytes=10)(scope, _never, _never_send)


async def test_who_does_not_read_is_not_bothered() -> None:
    """A route without a body answers as ever, whatever is announced."""
    scope = http_scope(headers=[(b"content-length", b"999")])
    assert (await call(BodyLimitMiddleware(answer, max_bytes=10), scope))[0]["status"] == 200


async def test_other_protocols_pass() -> None:
    """The lifespan has no body."""
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    await call(BodyLimitMiddleware(app, max_bytes=10), {"type": "lifespan"})
    assert seen == ["lifespan"]


async def _never() -> dict[str, object]:
    raise AssertionError("the body was asked for")


async def _never_send(_message: object) -> None:
    raise AssertionError("something was sent")
