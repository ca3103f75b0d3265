import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import jwt

from service.auth import metrics
from service.auth.download import TIMEOUT_SECONDS, download
from service.auth.jwk import KeyDocument, parse
from service.fleet.supervision import Jobs, OutageLog, SupervisedTask

logger = logging.getLogger(__name__)

# A token signed by a key not seen yet asks for a reading; forged ones must not make that a flood.
MIN_INTERVAL_SECONDS = 5.0


class KeySet:
    """The keys of a JWKS document (RFC 7517), by URL or file, read again in the background.

    A rotation needs no restart: keys that disappear are no longer trusted, and for an unknown key id the document is
    read again at once. Only one reading is under way at a time, and its result is used for five seconds. While the
    document can't be read, the keys of the last good reading stay.
    """

    def __init__(self, source: str | Path, *, refresh_seconds: float) -> None:
        self._source: Callable[[], Awaitable[bytes]] = (
            partial(asyncio.to_thread, source.read_bytes) if isinstance(source, Path) else partial(download, source)
        )
        self.refresh_seconds = refresh_seconds
        self.background = SupervisedTask("jwks_refresh", self._refresh_forever)
        self.on_revoked: Callable[[], object] = lambda: None
        """Called when a key is no longer what it was."""
        self._keys: dict[str, jwt.PyJWK] = {}
        self._malformed: list[str] = []
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._jobs = Jobs("jwks_read")
        self._outage = OutageLog(
            logger,
            "The JWKS document can't be read; the keys known before stay in force.",
            "The JWKS document can be read again.",
        )

    async def start(self) -> None:
        """Read the keys; a failure is logged and tried again, as the identity provider may start after us."""
        await self._read()
        self.background.start()

    async def aclose(self) -> None:
        """Stop reading."""
        await self.background.aclose()
        if self._reading is not None:
            self._reading.cancel()
        await self._jobs.join()

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return the key with this id, reading the document again if it isn't known."""
        if key_id not in self._keys and time.monotonic() - self._read_at >= MIN_INTERVAL_SECONDS:
            await self._read()
        return self._keys.get(key_id)

    async def _refresh_forever(self) -> None:
        while True:
            await asyncio.sleep(self.refresh_seconds)
            await self._read()

    async def _read(self) -> None:
        """Wait for the end of the reading under way, or of a new one, however it ends."""
        if self._reading is None or self._reading.done():
            self._reading = self._jobs.spawn(self._read_once())
        await asyncio.wait([self._reading])

    async def _read_once(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                document = await self._source()
            found = await asyncio.to_thread(parse, document)
        except Exception as error:  # noqa: BLE001 - whatever it is, the keys known before stay
            metrics.READINGS.labels("failed").inc()
            self._outage.failed(error)
        else:
            metrics.READINGS.labels("ok").inc()
            self._outage.worked()
            self._take(found)
        finally:
            self._read_at = time.monotonic()

    def _take(self, found: KeyDocument) -> None:
        known, self._keys = self._keys, found.keys
        if any(key_id not in found.keys or found.keys[key_id].key != key.key for key_id, key in known.items()):
            self.on_revoked()
        for state, number in (
            ("usable", len(found.keys)),
            ("unused", found.unused),
            ("malformed", len(found.malformed)),
        ):
            metrics.KEYS.labels(state).set(number)
        if found.malformed and found.malformed != self._malformed:
            logger.warning("The JWKS document holds keys that are malformed.", extra={"key_ids": found.malformed[:10]})
        self._malformed = found.malformed
