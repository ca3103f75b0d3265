import asyncio

import pytest

from service.fleet.supervision import Jobs, jobs
from tests.observe import sample

pytestmark = pytest.mark.anyio

FAILURES = "users_api_background_job_failures_total"


async def fail(error: BaseException) -> None:
    """Raise `error`."""
    raise error


async def test_what_fails_is_counted_and_logged_rarely(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failure counts; of many at once the log gets one line, and the next line tells how many there were."""
    before = sample(FAILURES, task="job")
    work = Jobs("job")
    for _ in range(5):
        work.spawn(fail(RuntimeError("x")))
    await work.join()
    assert sample(FAILURES, task="job") == before + 5
    assert len(caplog.records) == 1
    monkeypatch.setattr(jobs, "LOG_INTERVAL_SECONDS", 0)
    work.spawn(fail(GeneratorExit()))
    await work.join()
    last = caplog.records[-1]
    assert (last.error, last.failures) == ("GeneratorExit", 5)  # type: ignore[attr-defined]


async def test_what_succeeds_or_is_cancelled_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """A job's result is who waits for it's business, and so is its cancellation."""
    before = sample(FAILURES, task="job")
    work = Jobs("job")
    assert await work.spawn(asyncio.sleep(0, "result")) == "result"
    work.spawn(asyncio.sleep(60)).cancel()
    await work.join()
    assert sample(FAILURES, task="job") == before
    assert not caplog.records
