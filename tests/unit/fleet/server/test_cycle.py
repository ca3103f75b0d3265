import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import pytest
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.fleet.server.cycle import OneWriteCycle

pytestmark = pytest.mark.anyio

LENGTH = (b"content-length", b"4")
BODY: Message = {"type": "http.response.body", "body": b"body"}


class Client:
    """In a transport's place: what came of an answer, write by write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.is_closed = False
        self.answers = 0

    def write(self, data: bytes) -> None:
        """Take what is sent; uvloop too makes nothing of nothing."""
        if data:
            self.writes.append(data)

    def close(self) -> None:
        """End."""
        self.is_closed = True

    def resume_reading(self) -> None:
        """Read on."""

    def on_response(self) -> None:
        """Count the answers that were complete."""
        self.answers += 1


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    """Return a head."""
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


async def answer(
    kind: type[RequestResponseCycle],
    *messages: Message,
    state: Mapping[str, object] = MappingProxyType({}),
    error: Exception | None = None,
) -> Client:
    """Have an application send these messages, and then fail if there is an error; the cycle is in that state."""
    client = Client()
    transport = cast("asyncio.Transport", client)
    logger = logging.getLogger("test")
    cycle = kind(
        scope=cast("Any", {"type": "http", "method": "GET"}),
        transport=transport,
        flow=FlowControl(transport),
        logger=logger,
        access_logger=logger,
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=True,
        on_response=client.on_response,
    )
    for name, value in state.items():
        setattr(cycle, name, value)

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    await cycle.run_asgi(cast("Any", app))
    return client


async def test_a_plain_answer_is_one_write() -> None:
    """Head and body leave together, as the very bytes that uvicorn sends."""
    messages = start((b"content-type", b"text/plain"), LENGTH, (b"x-a", b"1"), (b"x-a", b"2")), BODY
    ours = await answer(OneWriteCycle, *messages)
    theirs = await answer(RequestResponseCycle, *messages)
    assert ours.writes == [b"".join(theirs.writes)]
    assert ours.answers == theirs.answers == 1
    assert not ours.is_closed


@pytest.mark.parametrize(
    ("messages", "state"),
    [
        ((start(LENGTH), BODY), {"scope": {"type": "http", "method": "HEAD"}}),
        ((start((b"etag", b'"1"'), status=304), {"type": "http.response.body"}), {}),
        ((start(), BODY), {}),
        ((start(), {**BODY, "more_body": True}, BODY), {}),
        ((start((b"content-length", b"8")), {**BODY, "more_body": True}, BODY), {}),
        ((start(LENGTH, (b"X-Upper", b"1")), BODY), {}),
        ((start(LENGTH, (b"connection", b"close")), BODY), {}),
        ((start(LENGTH), BODY), {"keep_alive": False}),
        ((start(LENGTH), BODY), {"access_log": True}),
        ((start(LENGTH), BODY), {"disconnected": True}),
        ((start((b"content-length", b"9")), BODY), {}),
        ((start((b"content-length", b"2")), BODY), {}),
        ((start(LENGTH, (b"x-name with space", b"1")), BODY), {}),
        ((start(LENGTH, (b"x", b"1\r\nx-forged: 2")), BODY), {}),
        ((start(LENGTH, status=600), BODY), {}),
        ((BODY,), {}),
        ((), {}),
    ],
    ids=str,
)
async def test_any_other_answer_is_as_uvicorns(
    messages: tuple[Message, ...], state: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes, an answer that is complete or not, and the end of the connection or not."""
    monkeypatch.setattr("uvicorn.protocols.http.httptools_impl.get_path_with_query_string", lambda _: "/")
    monkeypatch.setattr("uvicorn.protocols.http.httptools_impl.get_client_addr", lambda _: "")
    ours = await answer(OneWriteCycle, *messages, state=state)
    theirs = await answer(RequestResponseCycle, *messages, state=state)
    assert b"".join(ours.writes) == b"".join(theirs.writes)
    assert (ours.answers, ours.is_closed) == (theirs.answers, theirs.is_closed)


async def test_who_fails_behind_the_head_is_answered_500() -> None:
    """The head was not sent yet, so the client learns that it is no answer."""
    client = await answer(OneWriteCycle, start(LENGTH), error=RuntimeError("in between"))
    assert client.writes[0].startswith(b"HTTP/1.1 500 ")
    assert client.answers == 1


async def test_a_full_transport_is_waited_for() -> None:
    """While an earlier answer has not left, this one waits as uvicorn's does."""
    flow = FlowControl(cast("asyncio.Transport", Client()))
    flow.pause_writing()
    sending = asyncio.create_task(answer(OneWriteCycle, start(LENGTH), BODY, state={"flow": flow}))
    await asyncio.sleep(0)
    assert not sending.done()
    flow.resume_writing()
    assert b"".join((await sending).writes).endswith(b"\r\n\r\nbody")
