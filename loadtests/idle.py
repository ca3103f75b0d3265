"""Connections that are kept, left idle, and used again: does the server let go of them first?"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus

from loadtests.hostile.wire import Address, answers

# Not idempotent, so that no proxy tries it a second time, and without effect: the body is no user.
_REQUEST = (
    b"POST /api/users HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer %b\r\n"
    b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
)
_EXPECTED = HTTPStatus.UNPROCESSABLE_ENTITY
_ANSWER_SECONDS = 30
REUSED, CLOSED = "reused", "closed"


async def reuse_after(to: Address, token: str, connections: Mapping[float, int]) -> dict[float, Counter[str]]:
    """Open so many connections for each idle time, in seconds; ask on each, wait, and ask again.

    Returns for each idle time how many connections were "reused" as they should, "closed" under the client's hands (end
    or reset in the place of an answer), or answered something else ("status 502").
    """
    seen: dict[float, Counter[str]] = {seconds: Counter() for seconds in connections}

    async def one(idle_seconds: float, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        seen[idle_seconds][await _ask_twice(to, _REQUEST % token.encode(), idle_seconds)] += 1

    async with asyncio.TaskGroup() as group:
        for idle_seconds, count in connections.items():
            for number in range(count):
                group.create_task(one(idle_seconds, 3 * number / count))  # not all at once
    return seen


async def _ask_twice(to: Address, request: bytes, idle_seconds: float) -> str:
    try:
        reader, writer = await asyncio.open_connection(*to)
    except OSError:
        return "refused"
    try:
        if (said := await _ask(reader, writer, request)) != REUSED:
            return f"{said} at once"
        await asyncio.sleep(idle_seconds)
        return await _ask(reader, writer, request)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> str:
    try:
        writer.write(request)
        async with asyncio.timeout(_ANSWER_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            body = await reader.readexactly(length)
    except TimeoutError:
        return "no answer"
    except (OSError, EOFError):
        return CLOSED
    status = next(answers(head + body)).status
    return REUSED if status == _EXPECTED else f"status {status}"
