from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from loadtests.chaos import run
from loadtests.chaos.run import Promise
from loadtests.chaos.verdict import Bound, not_held
from loadtests.chaos.wish import Extent
from loadtests.ledger import Ledger
from loadtests.measure import Answers
from tests.chaos import reliability
from tests.e2e.controller import gateway
from tests.e2e.load import BASE_URL, HEADERS
from tests.e2e.release import Release

__all__ = ["Experiment", "Extent", "Run", "Start"]
# Of clients that wait for their write: all that a long outage has gathered would be the load otherwise.
LONGEST_PAUSE_SECONDS = 5


@dataclass(frozen=True)
class Experiment(Promise):
    """A promise of the service, put to the test."""

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
class Run(run.Run):
    """One run of an experiment with the users API, or of its broken variation."""

    experiment: Experiment
    release: Release
    sabotaged: bool
    recorded: bool
    """Whether its row of the summary is written."""
    concluded: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        self.variables = {"BASE_URL": self.base_url}

    @property
    def name(self) -> str:
        """The experiment's, or that of its broken variation."""
        return self.experiment.name + ("-sabotaged" if self.sabotaged else "")

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

    def missed(self, bounds: Sequence[Bound]) -> list[Bound]:
        """Those that speak against the promise; of the broken variation, the one that it must miss if one is named."""
        expected = self.experiment.breaks if self.sabotaged else ""
        return [bound for bound in self._not_held(bounds) if not expected or bound.what == expected]

    def conclude(self, *bounds: Bound, **figures: float) -> None:
        """Write the result, and fail unless it is as it should be.

        That is: every bound holds, or, of the broken variation, at least one does not, or the one that it must miss.
        """
        self.concluded = True
        held = self.write(bounds, figures)["held"]
        broken = "; ".join(str(bound) for bound in self._not_held(bounds))
        if self.sabotaged:
            holds = self.experiment.breaks or "it"
            assert not held, f"{self.experiment.sabotage}, and yet {holds!r} holds: it proves nothing. {broken}"
        else:
            assert held, f"{broken}; see {self.path}"

    def write(self, bounds: Sequence[Bound], figures: Mapping[str, float]) -> dict[str, Any]:
        """Write the row of the summary too."""
        result = super().write(bounds, figures)
        if self.recorded:
            reliability.update(self.experiment, result, sabotaged=self.sabotaged)
        return result

    def _not_held(self, bounds: Sequence[Bound]) -> list[Bound]:
        return not_held(bounds, times_count=self.sabotaged or not self.short)


Start = Callable[[Experiment], Run]
