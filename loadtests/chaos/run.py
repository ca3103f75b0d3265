import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8s.client.recorder import Moment, ReleaseRecorder
from k8s.client.release import Release
from loadtests.chaos.plot import plot
from loadtests.chaos.verdict import Bound, not_held
from loadtests.chaos.wish import RESULTS, Extent
from loadtests.measure import READ, Answers, Generator, Request, Stage, offer, open_load

# Longer than any experiment: it stops its load itself.
ENDLESS_SECONDS = 3600


@dataclass(frozen=True)
class Promise:
    """What must hold while something is done to a release."""

    number: int
    name: str
    promise: str
    """In the words of the summary."""


@dataclass
class Run:
    """One run of an experiment: what was done to the release, and all that was seen meanwhile."""

    experiment: Promise
    release: Release
    short: bool
    results: Path = field(default=RESULTS, kw_only=True)
    variables: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """Of the load: see `loadtests.environment`."""
    at_most_seconds: float = field(default=ENDLESS_SECONDS, kw_only=True)
    """How long a load at a constant rate may last, whatever becomes of the experiment."""
    marks: list[tuple[float, str]] = field(default_factory=list, kw_only=True)
    """Unix seconds, and what was done then."""
    answers: Answers = field(default_factory=Answers, kw_only=True)
    moments: list[Moment] = field(default_factory=list, kw_only=True)
    dropped: int = field(default=0, kw_only=True)
    generator_cpu_seconds: float = field(default=0, kw_only=True)

    @property
    def name(self) -> str:
        """The experiment's."""
        return self.experiment.name

    @property
    def folder(self) -> Path:
        """Where what was measured lies."""
        return self.results / self.name

    @property
    def path(self) -> Path:
        """The plot's."""
        return self.results / f"{self.name}.png"

    def of(self, extent: Extent) -> int:
        """What this run is made of."""
        return extent.of(is_short=self.short)

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
        environment = {**self.variables} | ({} if users is None else {"USERS": str(users)})
        stages = [Stage(rate, self.at_most_seconds)] if isinstance(rate, int) else rate
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
                self.generator_cpu_seconds = load.cpu_seconds
                self.moments = recorder.moments

    @contextmanager
    def offered(self, rates: Sequence[tuple[Request, int]], seconds: float, *, users: int) -> Iterator[None]:
        """Send each kind of request at a constant rate of its own by the cheap generator, and record all to its end.

        For where the generator's own CPU would decide: `load` sends any mix in stages, and takes three times as much.
        """
        environment = {**self.variables, "USERS": str(users)}
        recorder = ReleaseRecorder(self.release)
        with recorder.recording(), ThreadPoolExecutor() as side_by_side:
            offers = [
                side_by_side.submit(
                    offer,
                    Generator.STEADY,
                    self.folder / f"offered-{number}",
                    Stage(rate, seconds),
                    environment=environment,
                    request=request,
                )
                for number, (request, rate) in enumerate(rates)
            ]
            yield
            found = [each.result() for each in offers]
        self.answers = Answers([*self.answers, *(answer for each in found for answer in each.answers)])
        self.dropped = sum(each.dropped for each in found)
        self.generator_cpu_seconds = sum(each.cpu_seconds for each in found)
        self.moments = recorder.moments

    @property
    def ready(self) -> list[int]:
        """How many replicas were ready, each second that the cluster said."""
        return [moment.ready for moment in self.moments if moment.ready is not None]

    def failed_within(self, share: float) -> list[Bound]:
        """Say that at most this share of the requests may have failed, and that the load was as offered."""
        allowed = int(share * len(self.answers))
        return [
            Bound("failed", len(self.answers.failed), at_most=allowed),
            Bound("not sent", self.dropped, at_most=len(self.answers) // 1000, of_time=True),
        ]

    def missed(self, bounds: Sequence[Bound]) -> list[Bound]:
        """Those that speak against the promise."""
        return not_held(bounds, times_count=not self.short)

    def write(self, bounds: Sequence[Bound], figures: Mapping[str, float]) -> dict[str, Any]:
        """Write the result and the plot; gives the result."""
        result = {
            "name": self.name,
            "requests": len(self.answers),
            "failed": len(self.answers.failed),
            "p50_ms": _milliseconds(self.answers, 0.5),
            "p99_ms": _milliseconds(self.answers, 0.99),
            "held": not self.missed(bounds),
            "figures": {
                **{bound.what: _rounded(bound.measured) for bound in bounds},
                **{name.replace("_", " "): _rounded(figure) for name, figure in figures.items()},
                **{f"ended {reason}": count for reason, count in self.answers.reasons().items()},
            },
            "bounds": [str(bound) for bound in bounds],
            "short": self.short,
            "generator_cpu_seconds": _rounded(self.generator_cpu_seconds),
        }
        self.results.mkdir(parents=True, exist_ok=True)
        (self.results / f"{self.name}.json").write_text(json.dumps(result, indent=2) + "\n")
        plot(self.answers, self.moments, self.marks, f"{self.experiment.number}: {self.experiment.promise}", self.path)
        return result

    def write_broken_off(self) -> dict[str, Any]:
        """Write what there is of a run that was broken off: it does not hold."""
        return self.write([Bound("broken off", 1, at_most=0)], {})


def _milliseconds(answers: Answers, share: float) -> float | None:
    return round(answers.percentile_ms(share), 1) if answers else None


def _rounded(number: float) -> float | None:
    if math.isnan(number):
        return None
    return round(number, 2) if isinstance(number, float) else number
