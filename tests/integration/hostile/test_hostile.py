import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from loadtests.hostile.malformed import attacks, follow_up
from loadtests.hostile.slow import Slowloris
from loadtests.hostile.verdict import fault, was_split
from loadtests.hostile.wire import Address, exchange
from loadtests.hostile.witness import Witness
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.integration

TOKEN = "test-token"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A service that waits one second for a request."""
    settings = {"request_receive_timeout_seconds": 1, "rate_limit_enabled": False}
    with ServiceProcess(tmp_path_factory.mktemp("service") / "log", **settings) as process:
        yield Address("127.0.0.1", process.port)


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[Address]:
    """Serve one answer to every request, whoever asks for whatever, and never lose patience."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield Address("127.0.0.1", listening.sockets[0].getsockname()[1])


def test_the_service_refuses_every_attack(service: Address) -> None:
    """Each malformed request gets 4xx or is cut, nothing smuggled is answered, and others get their own answers."""
    with Witness(service, TOKEN) as witness, ThreadPoolExecutor(8) as pool:
        replies = pool.map(
            lambda attack: exchange(service, attack, follow_up(TOKEN), timeout_seconds=2), attacks(TOKEN).values()
        )
        faults = {name: fault(reply, by_proxy=False) for name, reply in zip(attacks(TOKEN), replies, strict=True)}
    assert not any(faults.values()), faults
    assert witness.answered > 0
    assert (witness.foreign, witness.failed) == ([], [])


def test_the_service_cuts_every_slow_client(service: Address) -> None:
    """Endless heads and endless bodies are answered 408 and cut, and their successors as well."""
    siege = asyncio.run(Slowloris(service, connections=50, token=TOKEN, patience_seconds=20).run(2, 0.2))
    assert len(siege.held) > siege.most_open > 1
    assert (siege.uncut, siege.statuses, siege.refused_connections) == (0, [408], 0)


def test_a_server_with_endless_patience_is_seen() -> None:
    """Where nobody cuts slow clients, all of them count as borne."""

    async def besiege() -> list[bool]:
        async with server(b"") as patient:
            siege = await Slowloris(patient, connections=4, token=TOKEN, patience_seconds=1).run(1.5, 0.1)
            return [each.cut for each in siege.held]

    cut = asyncio.run(besiege())
    assert len(cut) >= 4
    assert not any(cut)


def test_a_foreign_answer_is_seen() -> None:
    """Whoever gets the answer to another request says so."""
    answer = b'HTTP/1.1 200 OK\r\nx-request-id: smuggled-request\r\ncontent-length: 8\r\n\r\n{"id":3}'

    async def lie() -> list[str]:
        async with server(answer) as liar:
            with Witness(liar, TOKEN, clients=1) as witness:
                while not witness.answered:  # noqa: ASYNC110 - its thread sets no event
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(witness.__exit__, None, None, None)
            return witness.foreign

    assert all("got the answer to smuggled-request" in said for said in asyncio.run(lie()))


def test_a_smuggled_request_is_seen() -> None:
    """Where a server answers what was smuggled, the fault is named."""
    answer = b"HTTP/1.1 422 No\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\nx-request-id: smuggled-request\r\n"
    answer += b"content-length: 0\r\n\r\n"

    async def smuggle() -> tuple[str | None, bool]:
        async with server(answer) as naive:
            reply = await asyncio.to_thread(exchange, naive, attacks(TOKEN)["no host"], timeout_seconds=1)
            return fault(reply, by_proxy=False), was_split(reply)

    assert asyncio.run(smuggle()) == ("what it smuggled is answered", True)
