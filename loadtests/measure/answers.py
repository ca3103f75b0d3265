import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from statistics import median
from typing import overload

# https://grafana.com/docs/k6/latest/javascript-api/error-codes
K6_ERRORS = {
    "1050": "timed out",
    "1101": "no such host",
    "1211": "connecting timed out",
    "1212": "refused",
    "1220": "reset",
}
UNANSWERED = "no answer when the load ended"


@dataclass(frozen=True, slots=True)
class Answer:
    """One request's end as its client saw it."""

    at_s: float
    """When it was sent, in Unix seconds."""
    duration_ms: float
    """Until its last byte, waiting for a connection included; until it was given up where nothing came."""
    status: int
    """0: refused, reset, or none in time."""
    error: str = ""
    """What went wrong where the status is 0."""
    cache: str = ""
    """X-Cache: L1, L2, MISS, ...; empty where the answer has none."""
    server_id: str = ""
    """The replica, where it was asked for."""
    name: str = ""
    """The request's name in the mix."""
    retry_after: str = ""
    """Retry-After; empty where the answer has none."""

    @property
    def failed(self) -> bool:
        """Neither a success nor a redirect."""
        return not HTTPStatus.OK <= self.status < HTTPStatus.BAD_REQUEST


@dataclass(frozen=True, slots=True)
class Second:
    """What was asked within one second, and how that ended."""

    at_s: int
    requests: int
    failed: int
    p50_ms: float
    p99_ms: float


class Answers(Sequence[Answer]):
    """Answers in the order in which their requests were sent."""

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self._answers = sorted(answers, key=lambda answer: answer.at_s)

    @overload
    def __getitem__(self, index: int) -> Answer: ...

    @overload
    def __getitem__(self, index: slice) -> "Answers": ...

    def __getitem__(self, index: int | slice) -> "Answer | Answers":
        return Answers(self._answers[index]) if isinstance(index, slice) else self._answers[index]

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def failed(self) -> "Answers":
        """Those without a success."""
        return self.where(lambda answer: answer.failed)

    @property
    def failed_share(self) -> float:
        """Of all, 0 to 1; 0 where there are none."""
        return len(self.failed) / len(self) if self else 0.0

    @property
    def mean_ms(self) -> float:
        """Mean time to the answer; NaN where there are none."""
        return math.fsum(answer.duration_ms for answer in self) / len(self) if self else math.nan

    def percentile_ms(self, share: float) -> float:
        """Time within which this share, above 0 to 1, was answered, by nearest rank; NaN where there are none."""
        return nearest_rank(sorted(answer.duration_ms for answer in self), share)

    def typical_ms(self, share: float, window_seconds: float) -> float:
        """The median of that percentile over windows of so long; NaN where there are none.

        What lasts shows in it, and a stall of the machine does not.
        """
        first_s = min((answer.at_s for answer in self), default=0.0)
        windows = self._by_window(window_seconds, first_s).values()
        return median(Answers(window).percentile_ms(share) for window in windows) if windows else math.nan

    def where(self, holds: Callable[[Answer], bool]) -> "Answers":
        """Those for which it holds."""
        return Answers(answer for answer in self if holds(answer))

    def between(self, from_s: float, to_s: float) -> "Answers":
        """Those sent from one Unix time on and before another."""
        return self.where(lambda answer: from_s <= answer.at_s < to_s)

    def by_second(self) -> list[Second]:
        """Each whole Unix second in which something was sent."""
        return [_second(at_s, of_it) for at_s, of_it in sorted(self._by_window(1, 0).items())]

    def reasons(self) -> dict[str, int]:
        """How often each status or error was the end of a failed request."""
        counts: defaultdict[str, int] = defaultdict(int)
        for answer in self.failed:
            counts[str(answer.status) if answer.status else answer.error] += 1
        return dict(counts)

    def _by_window(self, window_seconds: float, from_s: float) -> Mapping[int, list[Answer]]:
        windows: defaultdict[int, list[Answer]] = defaultdict(list)
        for answer in self:
            windows[int((answer.at_s - from_s) / window_seconds)].append(answer)
        return windows


def nearest_rank(ordered: Sequence[float], share: float) -> float:
    """The value at or below which `share` (above 0 to 1) of the ordered values lie; NaN where there are none."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.nan


def _second(at_s: int, answers: Sequence[Answer]) -> Second:
    durations = sorted(answer.duration_ms for answer in answers)
    return Second(
        at_s,
        requests=len(answers),
        failed=sum(answer.failed for answer in answers),
        p50_ms=nearest_rank(durations, 0.5),
        p99_ms=nearest_rank(durations, 0.99),
    )


@dataclass
class AnswerRows:
    """Puts the rows that loadtests/k6/open.js makes k6 write together to answers."""

    answers: list[Answer] = field(default_factory=list)
    dropped: int = 0
    """Requests that were due and not sent, because all virtual users were waiting."""
    until_s: float = math.inf
    """Requests sent after this Unix time do not count."""
    is_past_the_end: bool = False
    """Whether a request that does not count was seen: k6 has written all that do."""
    _asked: dict[str, tuple[float, str]] = field(default_factory=dict)

    def add(self, rows: Iterable[dict[str, str]]) -> None:
        """Take further rows, in the order in which k6 wrote them."""
        for row in rows:
            match row["metric_name"]:
                case "asked" if _seconds(row) > self.until_s:
                    self.is_past_the_end = True
                case "asked":
                    self._asked[_iteration(row)] = _seconds(row), _tags(row["extra_tags"]).get("request", "")
                case "answer" if _iteration(row) in self._asked:
                    self._answer(row)
                case "dropped_iterations" if _seconds(row) <= self.until_s:
                    self.dropped += int(float(row["metric_value"]))

    @property
    def waiting(self) -> int:
        """How many requests have no answer yet."""
        return len(self._asked)

    def unanswered(self, ended_at_s: float) -> list[Answer]:
        """Those that have none, as failed when the load ended."""
        return [
            Answer(at_s, (ended_at_s - at_s) * 1000, 0, UNANSWERED, name=name) for at_s, name in self._asked.values()
        ]

    def _answer(self, row: dict[str, str]) -> None:
        at_s, name = self._asked.pop(_iteration(row))
        tags = _tags(row["extra_tags"])
        status = int(tags["status"])
        # k6 has no times for a request without an answer.
        duration_ms = float(row["metric_value"]) if status else (_seconds(row) - at_s) * 1000
        error = "" if status else K6_ERRORS.get(tags["error"], f"k6 error {tags['error']}")
        self.answers.append(
            Answer(
                at_s,
                duration_ms,
                status,
                error,
                cache=tags.get("cache", ""),
                server_id=tags.get("server", ""),
                name=name,
                retry_after=tags.get("retry_after", ""),
            )
        )


def _seconds(row: dict[str, str]) -> float:
    return int(row["timestamp"]) / 1e6  # by K6_CSV_TIME_FORMAT=unix_micro


def _tags(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split("&") if pair)


def _iteration(row: dict[str, str]) -> str:
    """Name the iteration: k6 writes `vu=1&iter=0` in either order."""
    return "&".join(sorted(row["metadata"].split("&")))
