from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.errors import LoadTestError
from loadtests.simulate import traffic

HOUR = 3600
# Of the autoscaler's looks, by the controller manager's default, and of the default scrapes.
SYNC_SECONDS = 15
# In which a fleet has followed a crowd. All crowds at once are more than the control plane keeps up with on two cores:
# five had twice the requests over capacity.
BETWEEN_CROWDS_SECONDS = 300


@dataclass(frozen=True)
class Lengths:
    """How long a slice is, in simulated seconds.

    Attributes:
        lead_in_s: brings the autoscaler to where it would be, and does not count: twice the longest default window.
        counted_s: what follows.
        hours: of the day that are run, each from its beginning. All 24 would ask more of the control plane than two
            cores hold: a look of an autoscaler costs 10 ms of CPU.
        surge_after_s: from the start of what counts to the first flash crowd.
        flash_crowds: that are run, at as many phases of the autoscaler.
    """

    lead_in_s: int
    counted_s: int
    hours: Sequence[int]
    surge_after_s: int
    flash_crowds: int

    @property
    def whole_s(self) -> int:
        """Both parts."""
        return self.lead_in_s + self.counted_s


FULL = Lengths(600, HOUR, range(2, 24, 6), 120, 5)
# A minute of this host's time: the hour of the steepest rise, and a flash crowd until the fleet has followed it.
QUICK = Lengths(180, 720, (8,), 60, 1)


@dataclass(frozen=True)
class Slice:
    """A stretch of a scenario behind its lead-in.

    Attributes:
        starts_at_s: of the scenario, where what counts begins.
        lead_in_s: simulated seconds that don't count.
        rates: requests per second, one a simulated second, the lead-in's first.
        surge_at_s: when a sudden rise begins, counted like the rates; None where there is none.
    """

    starts_at_s: int
    lead_in_s: int
    rates: tuple[float, ...]
    surge_at_s: int | None = None

    @property
    def counted(self) -> range:
        """The seconds that count."""
        return range(self.lead_in_s, len(self.rates))


@dataclass(frozen=True)
class Scenario:
    """Traffic that every setting meets; its slices run side by side, each on a Deployment of its own.

    Attributes:
        name: one word, part of the names of Deployments.
        title: for a person.
        weight: what each slice stands for: of a day, the hours until the next one; of repetitions, their mean's share.
    """

    name: str
    title: str
    slices: tuple[Slice, ...]
    weight: float = 1

    @property
    def is_repeated(self) -> bool:
        """Whether its slices are the same again, and not parts of a whole."""
        return self.weight < 1


def scenarios(*, quick: bool, recording: list[float] | None = None) -> list[Scenario]:
    """Give hours of a day, a flash crowd, a noisy hour, and what was recorded.

    Raises:
        LoadTestError: the recording is longer than a day.
    """
    lengths = QUICK if quick else FULL
    noise = Slice(0, lengths.lead_in_s, tuple(traffic.noisy(lengths.whole_s)))
    found = [
        Scenario("day", "a day with two peaks", of_a_day(lengths), weight=24 / len(lengths.hours)),
        Scenario("flash", "a flash crowd", _flash_crowds(lengths), weight=1 / lengths.flash_crowds),
    ]
    if not quick:
        found.append(Scenario("noise", "an hour of noise", (noise,)))
    if recording:
        found.append(Scenario("recorded", "the recording", _cut(recording, lengths)))
    return found


def of_a_day(lengths: Lengths) -> tuple[Slice, ...]:
    """Cut the hours of `lengths` out of a day that follows a day."""
    rates = traffic.day()
    return tuple(
        Slice(
            hour * HOUR,
            lengths.lead_in_s,
            tuple(rates[(hour * HOUR - lengths.lead_in_s + second) % len(rates)] for second in range(lengths.whole_s)),
        )
        for hour in lengths.hours
    )


def _flash_crowds(lengths: Lengths) -> tuple[Slice, ...]:
    """One crowd a phase of the autoscaler's and the scrapes' periods, one after another."""
    first = lengths.lead_in_s + lengths.surge_after_s
    apart = BETWEEN_CROWDS_SECONDS + SYNC_SECONDS // lengths.flash_crowds
    surges = (first + number * apart for number in range(lengths.flash_crowds))
    return tuple(
        Slice(0, lengths.lead_in_s, tuple(traffic.flash_crowd(lengths.whole_s, surge)), surge) for surge in surges
    )


def _cut(recording: list[float], lengths: Lengths) -> tuple[Slice, ...]:
    if len(recording) > traffic.DAY_SECONDS:
        raise LoadTestError(f"the recording is {len(recording):,} s long; a day is the most that is simulated")
    padded = [recording[0]] * lengths.lead_in_s + recording
    starts = range(0, len(recording), lengths.counted_s)
    return tuple(Slice(start, lengths.lead_in_s, tuple(padded[start : start + lengths.whole_s])) for start in starts)
