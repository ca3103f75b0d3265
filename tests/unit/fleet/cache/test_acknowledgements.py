import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from service.fleet.cache import acknowledgements as module
from service.fleet.cache.acknowledgements import Acknowledgement, Acknowledgements
from service.fleet.cache.messages import Answer, Presence
from tests.observe import sample

pytestmark = pytest.mark.anyio

ME, ADA, BOB, EVE = b"me", b"ada", b"bob", b"eve"


@pytest.fixture
def acks() -> Acknowledgements:
    """Make one that answers reach."""
    acks = Acknowledgements(ME)
    acks.open()
    return acks


def unheard() -> float:
    """How many writes were acknowledged without all answers."""
    return sample("users_api_cache_unheard_writes_total")


def number_of(acknowledgement: Acknowledgement) -> int:
    """Its number, which it has."""
    assert acknowledgement.number is not None
    return acknowledgement.number


@asynccontextmanager
async def waiting(acks: Acknowledgements, receivers: int) -> AsyncIterator[tuple[int, asyncio.Task[None]]]:
    """A message that Redis gave to so many, and the task that waits until it is heard."""
    with acks.expected() as acknowledgement:
        task = asyncio.ensure_future(acks.wait(acknowledgement, receivers))
        await asyncio.sleep(0)
        yield number_of(acknowledgement), task
        await task


async def turn() -> None:
    """Let the event loop turn, as often as whatever is due now may need."""
    for _ in range(5):
        await asyncio.sleep(0)


async def acknowledge(acks: Acknowledgements, *others: bytes) -> None:
    """Write, and have it answered by all."""
    async with waiting(acks, 1 + len(others)) as (number, _):
        acks.came_back(number)
        for other in others:
            acks.answered(Answer(other, [number]))


async def give_up(acks: Acknowledgements, monkeypatch: pytest.MonkeyPatch, receivers: int, *others: bytes) -> None:
    """Write, and have it answered by some until the bound."""
    before = unheard()
    with monkeypatch.context() as patch:
        patch.setattr(module, "TRUST_SECONDS", 0.01)
        async with waiting(acks, receivers) as (number, _):
            acks.came_back(number)
            for other in others:
                acks.answered(Answer(other, [number]))
    assert unheard() == before + 1


async def waits_for(acks: Acknowledgements, missing: bytes, *others: bytes, receivers: int) -> None:
    """Write, and have it answered by the others: it waits for the one that is missing, and for nobody else."""
    async with waiting(acks, receivers) as (number, task):
        acks.came_back(number)
        for other in others:
            acks.answered(Answer(other, [number]))
        await turn()
        assert not task.done()
        acks.answered(Answer(missing, [number]))


async def test_a_write_waits_for_all_that_redis_gave_it_to(acks: Acknowledgements) -> None:
    """The first write does, knowing nobody: its own message and each answer count once."""
    async with waiting(acks, 3) as (number, task):
        acks.answered(Answer(ADA, [number]))
        acks.answered(Answer(ADA, [number]))
        acks.came_back(number)
        await turn()
        assert not task.done()
        acks.answered(Answer(BOB, [number]))
        await turn()
        assert task.done()


async def test_answers_may_come_before_redis_says_how_many(acks: Acknowledgements) -> None:
    """They come on another connection."""
    with acks.expected() as acknowledgement:
        acks.came_back(number_of(acknowledgement))
        acks.answered(Answer(ADA, [number_of(acknowledgement)]))
        assert not acknowledgement.ended.is_set()
        await acks.wait(acknowledgement, 2)


@pytest.mark.parametrize("receivers", [0, 1])
async def test_nobody_waits_where_nobody_else_listens(acks: Acknowledgements, receivers: int) -> None:
    """Not even for its own message."""
    with acks.expected() as acknowledgement:
        await acks.wait(acknowledgement, receivers)


async def test_nobody_waits_while_no_answer_can_arrive(acks: Acknowledgements) -> None:
    """A message that is sent meanwhile has no number."""
    acks.close()
    with acks.expected() as acknowledgement:
        assert acknowledgement.number is None
        await acks.wait(acknowledgement, 3)


async def test_who_waits_is_released_when_the_channel_goes_down(acks: Acknowledgements) -> None:
    """The bound is not waited for, nor is it said to be over; a wait that begins then is none."""
    before = unheard()
    with acks.expected() as late:
        async with waiting(acks, 2):
            acks.close()
        await acks.wait(late, 2)
    assert unheard() == before


async def test_several_messages_are_answered_at_once(acks: Acknowledgements) -> None:
    """One answer names all that were applied, and no others."""
    async with waiting(acks, 2) as (first, one), waiting(acks, 2) as (second, two), waiting(acks, 2) as (third, three):
        for number in (first, second, third):
            acks.came_back(number)
        acks.answered(Answer(ADA, [third, first]))
        await turn()
        assert (one.done(), two.done(), three.done()) == (True, False, True)
        acks.answered(Answer(ADA, [second]))


async def test_who_is_silent_costs_one_wait(acks: Acknowledgements, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later writes wait for the others, though Redis still gives it the messages."""
    await give_up(acks, monkeypatch, 3, ADA)
    before = unheard()
    await waits_for(acks, ADA, receivers=3)
    assert unheard() == before


async def test_who_falls_silent_costs_one_wait(acks: Acknowledgements, monkeypatch: pytest.MonkeyPatch) -> None:
    """Having answered before."""
    await acknowledge(acks, ADA, BOB)
    await give_up(acks, monkeypatch, 3, ADA)
    async with waiting(acks, 3) as (number, _):
        acks.came_back(number)
        acks.answered(Answer(ADA, [number]))


@pytest.mark.parametrize("sign", [Presence(BOB, listens=True), Answer(BOB, [0])])
async def test_who_returns_is_waited_for(
    acks: Acknowledgements, monkeypatch: pytest.MonkeyPatch, sign: Presence | Answer
) -> None:
    """Once it says hello, or gives an answer that is late."""
    await give_up(acks, monkeypatch, 3, ADA)
    if isinstance(sign, Presence):
        acks.met(sign)
    else:
        acks.answered(sign)
    await waits_for(acks, BOB, ADA, receivers=3)


async def test_who_begins_to_listen_after_a_write_is_not_waited_for(
    acks: Acknowledgements, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds nothing from before; nor if it was there before, and lost the message with its connection."""
    await give_up(acks, monkeypatch, 3, ADA)
    async with waiting(acks, 3) as (number, task):
        acks.came_back(number)
        acks.met(Presence(EVE, listens=True))
        acks.met(Presence(ADA, listens=True))
        await turn()
        assert task.done()
    await waits_for(acks, EVE, ADA, receivers=4)


async def test_a_hello_does_not_stand_for_an_answer(acks: Acknowledgements) -> None:
    """Before it is known who listens, only those count to whom the message was given."""
    async with waiting(acks, 3) as (number, task):
        acks.came_back(number)
        acks.answered(Answer(ADA, [number]))
        acks.met(Presence(EVE, listens=True))
        await turn()
        assert not task.done()
        acks.answered(Answer(BOB, [number]))


async def test_who_ends_is_not_waited_for(acks: Acknowledgements) -> None:
    """Neither by a write that waits, nor by later ones."""
    await acknowledge(acks, ADA, BOB)
    async with waiting(acks, 3) as (number, task):
        acks.came_back(number)
        acks.answered(Answer(ADA, [number]))
        await turn()
        assert not task.done()
        acks.met(Presence(BOB, listens=False))
        await turn()
        assert task.done()
    async with waiting(acks, 3) as (number, _):
        acks.came_back(number)
        acks.answered(Answer(ADA, [number]))


async def test_who_was_killed_is_not_waited_for(acks: Acknowledgements) -> None:
    """Redis gives it no messages any more; nor is it waited for once somebody listens who never answers."""
    await acknowledge(acks, ADA, BOB)
    await acknowledge(acks, ADA)
    async with waiting(acks, 3) as (number, _):
        acks.came_back(number)
        acks.answered(Answer(ADA, [number]))


async def test_reconnecting_starts_anew(acks: Acknowledgements) -> None:
    """Hellos may have been missed, so all that Redis gives the message to are waited for."""
    await acknowledge(acks, ADA)
    acks.close()
    acks.open()
    await waits_for(acks, BOB, ADA, receivers=3)


async def test_what_is_not_waited_for_is_ignored(acks: Acknowledgements) -> None:
    """Of a message that failed, or whose wait is over."""
    acks.came_back(99)
    acks.answered(Answer(ADA, [99]))
    acks.met(Presence(BOB, listens=True))
