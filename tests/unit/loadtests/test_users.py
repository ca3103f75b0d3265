"""How the users API is asked, of servers of the test's own."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import pytest

from loadtests import users
from loadtests.users import ask, client_of
from service.dev import free_port
from tests.observe import until

pytestmark = pytest.mark.anyio

METHODS = ["POST", "PATCH", "DELETE", "GET"]
KEPT = 2
Answers: TypeAlias = Callable[["Server", asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Keeps what it is asked; answers as it is told."""

    def __init__(self, answers: Answers) -> None:
        self.requests: list[str] = []
        self.opened = 0
        self.open = 0
        self.url = ""
        self._answers = answers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it is closed."""
        self.opened += 1
        self.open += 1
        try:
            while head := await _head_of(reader):
                self.requests.append(head.partition(" HTTP/")[0])
                await self._answers(self, writer)
        finally:
            self.open -= 1
            writer.close()


async def _head_of(reader: asyncio.StreamReader) -> str:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""
    length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
    await reader.readexactly(int(length[1]) if length else 0)
    return head


@asynccontextmanager
async def serving(answers: Answers) -> AsyncIterator[Server]:
    """Serve on a free port of this host."""
    server = Server(answers)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server
        await until(lambda: server.open == 0)


async def _well(_server: Server, writer: asyncio.StreamWriter, status: str = "200 OK", header: str = "x: y") -> None:
    writer.write(f'HTTP/1.1 {status}\r\n{header}\r\ncontent-length: 8\r\n\r\n{{"id":1}}'.encode())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("before", [0, 1])
async def test_nothing_is_sent_twice(method: str, before: int) -> None:
    """A connection that ends without an answer is a failed request, on a new connection as on a kept one."""

    async def ends(server: Server, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) > before:
            writer.close()
        else:
            await _well(server, writer)

    async with serving(ends) as server, client_of(server.url, kept=KEPT) as client:
        for _ in range(before):
            assert (await ask(client, "", "GET", "/first"))[0].status == 200
        answer, response = await ask(client, "write", method, "/last", json={})
        assert (answer.name, answer.status, answer.error, response) == ("write", 0, "ServerDisconnectedError", None)
        assert server.requests == ["GET /first"] * before + [f"{method} /last"]
        assert server.opened == 1


async def test_of_many_connections_some_are_kept() -> None:
    """As many are open as requests under way, and as many stay open as the client keeps, for later requests."""
    together = asyncio.Barrier(5 * KEPT)

    async def wait(server: Server, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) <= together.parties:
            await together.wait()
        await _well(server, writer)

    async with serving(wait) as server, client_of(server.url, kept=KEPT) as client:
        answers = await asyncio.gather(*(ask(client, "", "GET", "/") for _ in range(together.parties)))
        assert {answer.status for answer, _ in answers} == {200}
        await until(lambda: server.open == KEPT)
        assert (await ask(client, "", "GET", "/"))[0].status == 200
        assert server.opened == together.parties


async def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not answered in time, its body included, timed out."""
    monkeypatch.setattr(users, "TIMEOUT_SECONDS", 0.05)

    async def half(_server: Server, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 8\r\n\r\n{")

    async with serving(half) as server, client_of(server.url, kept=KEPT) as client:
        answer, response = await ask(client, "", "POST", "/", json={})
        assert (answer.status, answer.error, response) == (0, "timed out", None)
        assert server.requests == ["POST /"]


async def test_a_body_cut_short_is_no_answer() -> None:
    """A status alone acknowledges nothing."""

    async def cut(_server: Server, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 8\r\n\r\n{")
        writer.close()

    async with serving(cut) as server, client_of(server.url, kept=KEPT) as client:
        answer, response = await ask(client, "", "POST", "/", json={})
        assert (answer.status, answer.error, response) == (0, "ClientPayloadError", None)


async def test_nobody_there_is_named() -> None:
    """A refused connection is told from an answer that does not come."""
    async with client_of(f"http://127.0.0.1:{free_port()}", kept=KEPT) as client:
        answer, response = await ask(client, "", "GET", "/")
        assert (answer.status, answer.error, response) == (0, "ClientConnectorError", None)


async def test_a_request_goes_where_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the path of the client's URL, past the environment's proxies, and to no address that an answer names."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)

    async def elsewhere(server: Server, writer: asyncio.StreamWriter) -> None:
        await _well(server, writer, "307 Temporary Redirect", "Location: /elsewhere")

    async with serving(elsewhere) as server, client_of(f"{server.url}/below", kept=KEPT) as client:
        answer, response = await ask(client, "", "GET", "/api/users", params={"after": "a+/=", "limit": "1"})
        assert answer.status == 307
        assert response is not None
        assert response.headers["location"] == "/elsewhere"
        assert response.json() == {"id": 1}
        assert len(server.requests) == 1
        assert server.requests[0].startswith("GET /below/api/users?after=a%2B")
