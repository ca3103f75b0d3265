import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from service.fleet.supervision import SupervisedTask, task
from tests.every_error import EVERY_ERROR
from tests.observe import sample, until

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "FIRST_DELAY_SECONDS", 0.001)
    monkeypatch.setattr(task, "MAX_DELAY_SECONDS", 0.004)


@asynccontextmanager
async def supervised(work: Callable[[], Awaitable[None]]) -> AsyncIterator[SupervisedTask]:
    """`work` as a supervised task."""
    supervised = SupervisedTask("work", work)
    supervised.start()
    yield supervised
    await supervised.aclose()
    assert not supervised.is_running


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
async def test_whatever_ends_it_is_seen_and_it_runs_again(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception of any class is logged, counted, named in the state, and the work is started again."""
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts < 4:
            raise error
        await asyncio.Event().wait()

    before = sample("users_api_background_task_restarts_total", task="work")
    async with supervised(work) as it:
        await until(lambda: starts == 4 and it.is_running)
        assert it.state == {"running": True, "restarts": 3, "last_error": type(error).__name__}
        assert sample("users_api_background_task_running", task="work") == 1
    assert sample("users_api_background_task_restarts_total", task="work") == before + 3
    assert sample("users_api_background_task_running", task="work") == 0
    assert [record.error for record in caplog.records] == [type(error).__name__] * 3  # type: ignore[attr-defined]


async def test_work_that_returns_is_started_again() -> None:
    """A loop that ends without an error has ended all the same."""

    async def work() -> None:
        pass

    async with supervised(work) as it:
        await until(lambda: it.restarts >= 2)
        assert it.state["last_error"] == "returned"


async def test_cancelling_it_from_outside_does_not_end_it() -> None:
    """Who cancels the task by its name ends one run of it."""

    async def work() -> None:
        await asyncio.Event().wait()

    def named() -> list[asyncio.Task[None]]:
        return [each for each in asyncio.all_tasks() if each.get_name() == "work"]

    async with supervised(work) as it:
        await until(lambda: len(named()) == 1)
        named()[0].cancel()
        await until(lambda: it.restarts == 1 and it.is_running)


async def test_the_delay_grows_to_its_bound_and_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays double up to the bound while the work fails at once, and start anew after it has run for long."""
    delays: list[float] = []
    stable = task.STABLE_SECONDS

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        monkeypatch.setattr(task, "STABLE_SECONDS", 0 if len(delays) == 5 else stable)
        await real_sleep(0)

    real_sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(task.random, "uniform", lambda low, high: (low + high) / 2)  # type: ignore[attr-defined]

    async def work() -> None:
        raise OSError

    it = SupervisedTask("work", work)
    it.start()
    while len(delays) < 7:
        await real_sleep(0)
    await it.aclose()
    assert delays[:7] == [0.001, 0.002, 0.004, 0.004, 0.004, 0.001, 0.002]


async def test_closing_needs_no_start() -> None:
    """A task that was never started closes, and is not shown as one that should run."""
    it = SupervisedTask("work", asyncio.Event().wait)  # type: ignore[arg-type]
    assert not it.is_started
    await it.aclose()
