import asyncio

import pytest

from service.database.opener import PATIENCE_SECONDS, Opener
from tests.observe import until

pytestmark = pytest.mark.anyio

TIMEOUT_SECONDS = 0.5
LONG = 60.0


class Server:
    """Where connections, which are numbers here, are opened when the test says so."""

    def __init__(self) -> None:
        self.others = 0
        self.limits: list[float] = []
        self.kept: list[int] = []
        self.failed: list[Exception] = []
        self.asked: list[asyncio.Future[int]] = []
        self.opener: Opener[int] = Opener(
            self.open,
            limit_seconds=lambda: TIMEOUT_SECONDS,
            others=lambda: self.others,
            on_opened=self.put,
            on_failed=lambda error, _: self.failed.append(error),
        )

    async def open(self, seconds: float) -> int:
        """Open one as soon as the last of `asked` has a result."""
        self.limits.append(seconds)
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]

    def put(self, connection: int) -> None:
        """Hand it on, or keep it."""
        if not self.opener.offer(connection):
            self.kept.append(connection)

    async def waiting(self, count: int = 1, *, seconds: float = LONG) -> list[asyncio.Task[int]]:
        """Tasks that wait for a connection each."""
        deadline = asyncio.get_running_loop().time() + seconds
        tasks = [asyncio.create_task(self.opener.wait(deadline)) for _ in range(count)]
        await turns()
        return tasks


async def turns() -> None:
    """Let all that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_is_opened_at_a_time() -> None:
    """However many wait, the server has one log-in to do; who came first gets the first."""
    server = Server()
    first, second = await server.waiting(2)
    assert len(server.asked) == 1
    server.asked[0].set_result(1)
    assert await first == 1
    await turns()
    assert len(server.asked) == 2
    server.asked[1].set_result(2)
    assert await second == 2
    await turns()
    assert len(server.asked) == 2


async def test_one_given_back_serves_who_waits() -> None:
    """The one being opened meanwhile is kept for the next."""
    server = Server()
    (task,) = await server.waiting()
    assert server.opener.offer(7)
    assert await task == 7
    assert not server.opener.offer(8)
    server.asked[0].set_result(1)
    await turns()
    assert server.kept == [1]


async def test_who_gives_up_ends_no_log_in() -> None:
    """Neither a time limit nor a cancellation begins it anew for the next one."""
    server = Server()
    with pytest.raises(TimeoutError):
        await server.opener.wait(asyncio.get_running_loop().time() + 0.01)
    (task,) = await server.waiting()
    task.cancel()
    await asyncio.wait([task])
    (last,) = await server.waiting()
    server.asked[0].set_result(1)
    assert await last == 1
    assert len(server.asked) == 1


async def test_the_first_and_those_beside_others_may_take_long() -> None:
    """One that all wait for may not, as another host or server may answer."""
    server = Server()
    for others in (0, 0, 1):
        server.others = others
        (task,) = await server.waiting()
        server.asked[-1].set_result(1)
        await task
    assert server.limits == [PATIENCE_SECONDS, TIMEOUT_SECONDS, PATIENCE_SECONDS]


async def test_without_others_a_failure_is_everybodys() -> None:
    """All who wait are told why at once, and the next one has it tried again."""
    server = Server()
    tasks = await server.waiting(2)
    server.asked[0].set_exception(OSError("refused"))
    for task in tasks:
        with pytest.raises(OSError, match="refused"):
            await task
    assert len(server.failed) == 1
    (task,) = await server.waiting()
    server.asked[1].set_result(1)
    assert await task == 1


async def test_beside_others_a_failure_fails_nobody() -> None:
    """Who waits gets what is given back; the server is asked again after a rest, or when nothing is left."""
    server = Server()
    server.others = 1
    (task,) = await server.waiting()
    server.asked[0].set_exception(OSError("full"))
    await turns()
    assert [str(error) for error in server.failed] == ["full"]
    server.opener.look()
    assert len(server.asked) == 1
    assert server.opener.offer(7)
    assert await task == 7
    (task,) = await server.waiting()
    assert len(server.asked) == 1
    server.others = 0
    server.opener.look()
    await turns()
    server.asked[1].set_result(1)
    assert await task == 1


async def test_after_a_rest_who_still_waits_has_it_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else has to come by; and a new beginning does not wait for the rest's end."""
    monkeypatch.setattr("service.database.opener.REST_SECONDS", 0.01)
    server = Server()
    server.others = 1
    (task,) = await server.waiting()
    server.asked[0].set_exception(OSError("full"))
    await until(lambda: len(server.asked) == 2)
    monkeypatch.setattr("service.database.opener.REST_SECONDS", LONG)
    server.asked[1].set_exception(OSError("full"))
    await turns()
    server.opener.begin_anew()
    await turns()
    server.asked[2].set_result(1)
    assert await task == 1


async def test_the_service_itself_goes_ahead() -> None:
    """What it has to know does not wait behind requests."""
    server = Server()
    (other,) = await server.waiting()
    ahead = asyncio.create_task(server.opener.wait(asyncio.get_running_loop().time() + LONG, ahead=True))
    await turns()
    assert server.opener.offer(1)
    assert await ahead == 1
    assert server.opener.offer(2)
    assert await other == 2
    await server.opener.aclose()


async def test_a_log_in_that_ends_itself_ends_no_other() -> None:
    """Whatever cancelled it, the next one who looks has it tried again."""
    server = Server()
    (task,) = await server.waiting()
    server.asked[0].cancel()
    await turns()
    server.opener.look()
    await turns()
    server.asked[1].set_result(1)
    assert await task == 1


async def test_a_new_beginning_leaves_the_old_server_alone() -> None:
    """What is being opened is given up, and opened anew for those who wait."""
    server = Server()
    server.opener.begin_anew()
    (task,) = await server.waiting()
    server.opener.begin_anew()
    await turns()
    assert server.asked[0].cancelled()
    server.asked[1].set_result(2)
    assert await task == 2
    await turns()
    assert server.kept == []


async def test_one_that_comes_with_the_cancellation_is_handed_on() -> None:
    """Cancelled in the very moment in which its connection came, it leaves that to the next."""
    server = Server()
    first, second = await server.waiting(2)
    assert server.opener.offer(1)
    first.cancel()
    assert await second == 1
    assert first.cancelled()
    (third,) = await server.waiting()
    (turn,) = server.opener._line._turns
    third.cancel()
    assert not server.opener._line._tell(turn, None)
    assert not server.opener.offer(2)
    await asyncio.wait([third])
    (fourth,) = await server.waiting()
    assert server.opener._line.hand(TimeoutError())
    fourth.cancel()
    assert not server.opener.offer(3)
    await asyncio.wait([fourth])
    assert fourth.cancelled()
    await server.opener.aclose()


async def test_who_is_no_longer_waiting_is_told_nothing() -> None:
    """A failure that comes in the moment of a cancellation is nobody's."""
    server = Server()
    (task,) = await server.waiting()
    server.asked[0].set_exception(OSError("refused"))
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await server.opener.aclose()
