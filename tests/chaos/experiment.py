import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from k8s.client.recorder import Moment, ReleaseRecorder
from loadtests.ledger import Ledger
from loadtests.measure import READ, Answers, Request, Stage, open_load
from tests.chaos import reliability
from tests.chaos.plot import plot
from tests.chaos.verdict import Bound, not_held
from tests.e2e.controller import gateway
from tests.e2e.load import BASE_URL, HEADERS
from tests.e2e.release import Release

RESULTS = Path("build/chaos")
# Longer than any experiment: it stops its load itself.
ENDLESS_SECONDS = 3600
# Of clients that wait for their write: all that a long outage has gathered would be the load otherwise.
LONGEST_PAUSE_SECONDS = 5


class Extent(NamedTuple):
    """How much of something an experiment is made of: seconds, rounds, requests."""

    full: int
    short: int
    """Where a look must do: as a part of `make test`, and to see the broken variation fail."""


@dataclass(frozen=True)
class Experiment:
    """A promise of the service, put to the test."""

    number: int
    name: str
    promise: str
    """What must hold, in the words of the summary."""
    sabotage: str
    """What is broken to see it fail."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the values of `tests.chaos.values`."""
    sabotaged: Mapping[str, Any] = field(default_factory=dict)
    """Further ones of the broken variation."""
    break_it: Callable[[Release], None] = lambda _: None
    """Breaks what values cannot, after the install of the broken variation."""
    breaks: str = ""
    """Which bound the broken variation must miss: any, if none is named."""
    by_gateway: bool = False
    """Whether the load comes through the cluster's Gateway."""
    without_redis: bool = False
    """Whether Redis is gone at the same time."""


@dataclass
class Run:
    """One run of an experiment: what was done to the release, and all that was seen meanwhile."""

    experiment: Experiment
    release: Release
    short: bool
    sabotaged: bool
    recorded: bool
    """Whether its row of the summary is written."""
    marks: list[tuple[float, str]] = field(default_factory=list)
    """Unix seconds, and what was done then."""
    answers: Answers = field(default_factory=Answers)
    moments: list[Moment] = field(default_factory=list)
    dropped: int = 0
    k6_cpu_seconds: float = 0
    concluded: bool = False

    @property
    def name(self) -> str:
        """The experiment's, or that of its broken variation."""
        return self.experiment.name + ("-sabotaged" if self.sabotaged else "")

    @property
    def folder(self) -> Path:
        """Where what was measured lies."""
        return RESULTS / self.name

    def of(self, extent: Extent) -> int:
        """What this run is made of."""
        return extent.short if self.short else extent.full

    def mark(self, what: str) -> float:
        """Note on the time line that something is done to the release now; gives the Unix time."""
        self.marks.append((time.time(), what))
        return self.marks[-1][0]

    @contextmanager
    def load(
        self,
        rate: int | Sequence[Stage],
        *,
        requests: Sequence[Request] = (READ,),
        keep_alive: bool = True,
        users: int | None = None,
    ) -> Iterator[None]:
        """Send requests at a constant rate or in stages, and record all while the block lasts.

        `users`: draw from so many; from more than the caches hold, the database is asked.
        """
        environment = {"BASE_URL": self.base_url} | ({} if users is None else {"USERS": str(users)})
        stages = [Stage(rate, ENDLESS_SECONDS)] if isinstance(rate, int) else rate
        recorder = ReleaseRecorder(self.release)
        with (
            recorder.recording(),
            open_load(self.folder, stages, requests=requests, keep_alive=keep_alive, environment=environment) as load,
        ):
            try:
                yield
            finally:
                load.stop()
                self.answers = Answers([*self.answers, *load.answers()])
                self.dropped = load.dropped
                self.k6_cpu_seconds = load.cpu_seconds
                self.moments = recorder.moments

    @contextmanager
    def writes(self, per_second: int) -> Iterator[Ledger]:
        """Create users beside the load, each of whose clients knows what it was told."""
        ledger = Ledger(self.base_url, HEADERS, per_second=per_second, longest_pause_seconds=LONGEST_PAUSE_SECONDS)
        try:
            with ledger:
                yield ledger
        finally:
            self.answers = Answers([*self.answers, *ledger.outcome.answers])

    @property
    def base_url(self) -> str:
        """Where the load comes in."""
        return gateway().http if self.experiment.by_gateway else BASE_URL

    def failed_within(self, share: float) -> list[Bound]:
        """Say that at most this share of the requests may have failed, and that the load was as offered."""
        allowed = int(share * len(self.answers))
        return [
            Bound("failed", len(self.answers.failed), at_most=allowed),
            Bound("not sent", self.dropped, at_most=len(self.answers) // 1000, of_time=True),
        ]

    def conclude(self, *bounds: Bound, **figures: float) -> None:
        """Write the result, and fail unless it is as it should be.

        That is: every bound holds, or, of the broken variation, at least one does not, or the one that it must miss.
        """
        self.concluded = True
        held = self._write(bounds, figures)
        broken = "; ".join(str(bound) for bound in self._not_held(bounds))
        if self.sabotaged:
            holds = self.experiment.breaks or "it"
            assert not held, f"{self.experiment.sabotage}, and yet {holds!r} holds: it proves nothing. {broken}"
        else:
            assert held, f"{broken}; see {self.path}"

    def give_up(self) -> None:
        """Write what there is of a run that was broken off: it does not hold."""
        self._write([Bound("broken off", 1, at_most=0)], {})

    def _write(self, bounds: Sequence[Bound], figures: Mapping[str, float]) -> bool:
        """Write the result and the plot, and the row of the summary; whether it held."""
        missed = self._not_held(bounds)
        expected = self.experiment.breaks if self.sabotaged else ""
        held = not any(bound.what == expected or not expected for bound in missed)
        result = {
            "name": self.name,
            "requests": len(self.answers),
            "failed": len(self.answers.failed),
            "p50_ms": _milliseconds(self.answers, 0.5),
            "p99_ms": _milliseconds(self.answers, 0.99),
            "held": held,
            "figures": {
                **{bound.what: _rounded(bound.measured) for bound in bounds},
                **{name.replace("_", " "): _rounded(figure) for name, figure in figures.items()},
                **{f"ended {reason}": count for reason, count in self.answers.reasons().items()},
            },
            "bounds": [str(bound) for bound in bounds],
            "short": self.short,
            "k6_cpu_seconds": _rounded(self.k6_cpu_seconds),
        }
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{self.name}.json").write_text(json.dumps(result, indent=2) + "\n")
        plot(self.answers, self.moments, self.marks, f"{self.experiment.number}: {self.experiment.promise}", self.path)
        if self.recorded:
            reliability.update(self.experiment, result, sabotaged=self.sabotaged)
        return held

    def _not_held(self, bounds: Sequence[Bound]) -> list[Bound]:
        return not_held(bounds, times_count=self.sabotaged or not self.short)

    @property
    def path(self) -> Path:
        """The plot's."""
        return RESULTS / f"{self.name}.png"


Start = Callable[[Experiment], Run]


def _milliseconds(answers: Answers, share: float) -> float | None:
    return round(answers.percentile_ms(share), 1) if answers else None


def _rounded(number: float) -> float | None:
    if math.isnan(number):
        return None
    return round(number, 2) if isinstance(number, float) else number
