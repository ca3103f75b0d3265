import asyncio
import contextlib
import json
import logging
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

import jwt

logger = logging.getLogger(__name__)

FETCH_TIMEOUT_SECONDS = 5
MAX_BYTES = 1024 * 1024
# A token signed by a key not seen yet asks for a refresh; forged ones must not make that a flood.
MIN_INTERVAL_SECONDS = 5.0
ALGORITHMS = frozenset({"RS256", "ES256"})


class KeySet:
    """The keys of a JWKS document (RFC 7517), by URL or file, read again in the background.

    A rotation needs no restart: keys that disappear stop being believed, and an unknown key id has the document read
    again at once. While the document can't be read the keys of the last good reading stay.
    """

    def __init__(self, source: str | Path, *, refresh_seconds: float) -> None:
        self._read: Callable[[], bytes] = source.read_bytes if isinstance(source, Path) else lambda: _download(source)
        self.refresh_seconds = refresh_seconds
        self._keys: dict[str, jwt.PyJWK] = {}
        self._refreshed_at = float("-inf")
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the keys; a failure is logged and tried again, as the identity provider may start after us."""
        await self._refresh()
        self._task = asyncio.create_task(self._refresh_forever())

    async def aclose(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return the key with this id, reading the document again if it isn't known."""
        if key_id not in self._keys:
            async with self._lock:
                if key_id not in self._keys and time.monotonic() - self._refreshed_at > MIN_INTERVAL_SECONDS:
                    await self._refresh()
        return self._keys.get(key_id)

    async def _refresh_forever(self) -> None:
        while True:
            await asyncio.sleep(self.refresh_seconds)
            await self._refresh()

    async def _refresh(self) -> None:
        self._refreshed_at = time.monotonic()
        try:
            self._keys = parse(await asyncio.to_thread(self._read))
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            logger.warning(
                "The JWKS document can't be read; the keys known before stay in force.", extra={"error": str(error)}
            )


def parse(document: bytes) -> dict[str, jwt.PyJWK]:
    """Return the usable keys of a JWKS document by key id; keys for other purposes or algorithms are passed over.

    Raises:
        ValueError: it is no JWKS document.
    """
    content = json.loads(document)
    if not isinstance(content, dict) or not isinstance(content.get("keys"), list):
        raise ValueError("not a JWKS document: it has no list named keys")  # noqa: TRY004 - the document is wrong, not our call
    keys: dict[str, jwt.PyJWK] = {}
    for entry in content["keys"]:
        with contextlib.suppress(jwt.PyJWTError, ValueError, AttributeError):
            key = jwt.PyJWK.from_dict(entry)
            if key.key_id and key.algorithm_name in ALGORITHMS and entry.get("use", "sig") == "sig":
                keys[key.key_id] = key
    return keys


def _download(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_SECONDS) as response:  # noqa: S310 - settings allow http(s) only
        content: bytes = response.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"the JWKS document is longer than {MAX_BYTES} bytes")
    return content
