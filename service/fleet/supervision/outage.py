import logging
import time

REMIND_SECONDS = 600.0


class OutageLog:
    """One line when something that is tried again and again begins to fail, one every ten minutes, one when it works.

    With `grace_seconds` an outage that is over sooner leaves no line.
    """

    def __init__(self, logger: logging.Logger, failing: str, works: str, *, grace_seconds: float = 0.0) -> None:
        self._logger = logger
        self._failing = failing
        self._works = works
        self._grace_seconds = grace_seconds
        self._began_at: float | None = None
        self._logged_at: float | None = None

    def failed(self, error: BaseException) -> None:
        """Note that it failed just now."""
        now = time.monotonic()
        if self._began_at is None:
            self._began_at = now
        due_at = self._began_at + self._grace_seconds if self._logged_at is None else self._logged_at + REMIND_SECONDS
        if now >= due_at:
            self._logged_at = now
            details = {"error": str(error) or type(error).__name__, "seconds": round(now - self._began_at)}
            self._logger.warning(self._failing, extra=details)

    def worked(self) -> None:
        """Note that it worked just now."""
        if self._logged_at is not None:
            self._logger.info(self._works)
        self._began_at = self._logged_at = None
