import logging

import pytest

from service.fleet.supervision import OutageLog, outage

LOGGER = logging.getLogger("test")


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_one_line_a_change(caplog: pytest.LogCaptureFixture) -> None:
    """However often it fails or works in a row, its beginning and its end are told once each."""
    log = OutageLog(LOGGER, "it fails", "it works")
    for _ in range(2):
        log.worked()
        for _ in range(50):
            log.failed(OSError("gone"))
    log.worked()
    log.worked()
    assert [record.getMessage() for record in caplog.records] == ["it fails", "it works"] * 2
    assert caplog.records[0].error == "gone"  # type: ignore[attr-defined]


def test_an_error_without_words_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """A TimeoutError, say, has no text of its own."""
    OutageLog(LOGGER, "it fails", "it works").failed(TimeoutError())
    assert caplog.records[0].error == "TimeoutError"  # type: ignore[attr-defined]


def test_a_long_one_is_recalled(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads the log of the last hours shall see it too."""
    log = OutageLog(LOGGER, "it fails", "it works")
    log.failed(OSError())
    monkeypatch.setattr(outage, "REMIND_SECONDS", 0)
    log.failed(OSError())
    assert len(caplog.records) == 2


def test_a_short_one_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """Within the grace neither its beginning nor its end is worth a line."""
    log = OutageLog(LOGGER, "it fails", "it works", grace_seconds=60)
    log.failed(OSError())
    log.worked()
    assert not caplog.records
