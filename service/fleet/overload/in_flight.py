import asyncio
import math
from time import perf_counter
from typing import Literal

from ..http.state_key import StateKey
from ..line import Line
from . import metrics

ADMITTED = StateKey[bool]("admitted")
"""Said by a layer further out, of a request that has been let in already."""

# How many begin in a turn at least, and at most; in between as many as take so long.
PER_TURN, MOST_PER_TURN = 2, 256
TURN_SECONDS = 0.01
# What a request costs is seen where several begin in a turn. A turn in which others had the core says too much.
_TELLING, _MOST_OFF, _SHARE = 2, 2.0, 0.1
# A line without an end lasts for so many waits; what came in a pause, of the collector or of the machine, is over then.
# Fewer turns of the loop may be that one pause.
STANDING_WAITS, STANDING_TURNS = 4, 5
# Of the time that a request may wait, where the line has no end.
STANDING_SHARE = 0.25
# Of the time: who had so much left is not overloaded, though bursts were refused.
IDLE_SHARE = 0.1


class InFlight:
    """The requests that are being answered: a few begin in each turn of the event loop, and the others stand in line.

    So a turn stays short whatever comes, and no core idles while somebody waits. Who waited for `wait_seconds` is
    refused. Where the line has not been empty for four times as long, it is no burst: only as many may wait as begin
    within a quarter of a wait, and those beyond are refused at once, until there has been none. What waits for a
    database or a client takes no place.
    Without `max_waiting` all begin at once, and are counted.
    """

    def __init__(self, *, max_waiting: int, wait_seconds: float) -> None:
        self._is_limited = max_waiting > 0
        self._max_waiting = self._limit = max_waiting
        self._per_turn = PER_TURN
        self._cost_seconds = TURN_SECONDS / PER_TURN
        self._turned_at = 0.0
        self._is_refusing = False
        self._wait_seconds = wait_seconds
        self._line: Line[Literal[True]] = Line(lambda _: None)  # who is gone begins nothing
        self._begun = 0
        self._is_turning = False
        self._in_flight = 0
        self._begin_window(0.0)
        metrics.LIMIT.set(self._limit if self._is_limited else math.inf)

    async def enter(self) -> bool:
        """Be let in, to leave once, after a short wait at most; tells whether one was."""
        if self._is_limited and not await self._has_turn():
            return False
        self._count(1)
        return True

    def leave(self) -> None:
        """Be in flight no more."""
        self._count(-1)

    async def _has_turn(self) -> bool:
        loop = asyncio.get_running_loop()
        if not self._is_turning:
            self._is_turning = True
            self._wake(perf_counter())
            loop.call_soon(self._turn)
        if self._begun < self._per_turn and not len(self._line):
            self._begun += 1
            return True
        return await self._wait(loop.time() + self._wait_seconds)

    async def _wait(self, deadline: float) -> bool:
        if len(self._line) >= self._limit:
            self._is_refusing = self._has_refused = True
            metrics.REFUSED.labels("full").inc()
            return False
        self._count(1)
        try:
            await self._line.turn(self._line.join(), deadline)
        except TimeoutError:
            metrics.REFUSED.labels("waited").inc()
            return False
        finally:
            self._count(-1)
        return True

    def _turn(self) -> None:
        """Let in who has waited longest, once in each turn of the loop in which somebody came or waits."""
        now = perf_counter()
        if self._begun >= _TELLING and not self._is_refusing:
            self._learn((now - self._turned_at) / self._begun)
        self._turned_at, self._begun, self._is_refusing = now, 0, False
        while self._begun < self._per_turn and self._line.hand(True):  # noqa: FBT003 - all there is to hand
            self._begun += 1
        self._is_turning = self._begun > 0
        self._was_empty |= not self._is_turning
        self._look_back(now)
        if self._is_turning:
            asyncio.get_running_loop().call_soon(self._turn)

    def _wake(self, now: float) -> None:
        if now - self._turned_at > self._wait_seconds:
            self._bound(self._max_waiting)
            self._begin_window(now)
            self._turned_at = now
        self._idle_seconds += now - self._turned_at
        self._turned_at = now

    def _learn(self, cost_seconds: float) -> None:
        """Follow what requests cost of late."""
        seen = min(cost_seconds, self._cost_seconds * _MOST_OFF)
        self._cost_seconds += (seen - self._cost_seconds) * _SHARE
        self._per_turn = max(PER_TURN, min(MOST_PER_TURN, int(TURN_SECONDS / self._cost_seconds)))

    def _look_back(self, now: float) -> None:
        """Tell a burst, which ends, from a line that does not, or only because others are refused."""
        self._window_begun += self._begun
        self._window_turns += 1
        seconds = now - self._window_at
        if seconds < self._wait_seconds * STANDING_WAITS or self._window_turns < STANDING_TURNS:
            return
        is_busy = self._has_refused and self._idle_seconds < seconds * IDLE_SHARE
        is_standing = is_busy if self._limit < self._max_waiting else not self._was_empty
        in_time = self._window_begun / seconds * self._wait_seconds * STANDING_SHARE
        least = max(self._per_turn, int(in_time))
        self._bound(min(self._max_waiting, least) if is_standing else self._max_waiting)
        self._begin_window(now)

    def _begin_window(self, now: float) -> None:
        self._window_at = now
        self._window_begun = self._window_turns = 0
        self._was_empty = self._has_refused = False
        self._idle_seconds = 0.0

    def _bound(self, limit: int) -> None:
        if limit != self._limit:
            self._limit = limit
            metrics.LIMIT.set(limit)

    def _count(self, more: int) -> None:
        self._in_flight += more
        metrics.IN_FLIGHT.set(self._in_flight)
