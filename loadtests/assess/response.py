from dataclasses import dataclass
from pathlib import Path

from loadtests.assess.installation import Installation
from loadtests.assess.latency import Latency
from loadtests.assess.plan import Plan
from loadtests.measure import Answers, Stage, open_load

# The last users are kept for answers that no cache has: nothing else in the assessment reads them.
UNCACHED_SHARE = 0.3
# So few that each replica has read each of them within the first seconds.
FEW = 20
CACHED = frozenset({"L1", "L2"})
UNCACHED = frozenset({"MISS"})


@dataclass(frozen=True)
class Response:
    """What one request takes while the service has little to do, by what X-Cache says of its answer."""

    cached: Latency
    uncached: Latency
    rate: int
    cached_ms: tuple[float, ...]
    """Each answer's time in order, for the plot; not in report.json, as k6.csv has them."""
    uncached_ms: tuple[float, ...]
    by_cache: bool = True
    """Whether answers tell which they are; if not, all are among the first."""

    @property
    def kinds(self) -> tuple[tuple[str, Latency], ...]:
        """By what answers tell of themselves."""
        return (("cached", self.cached), ("uncached", self.uncached)) if self.by_cache else (("all", self.cached),)


def cached_users(installation: Installation) -> int:
    """How many users the phases read that want them cached: from the first on."""
    return installation.users - round(UNCACHED_SHARE * installation.users)


def measure_response(installation: Installation, plan: Plan, folder: Path) -> Response:
    """Read what nobody has read for a while, each once; then others again and again.

    Where no answer tells whether it comes from a cache, all there is is read.

    Raises:
        LoadTestError: k6 failed.
    """
    if not installation.application.cache:
        stage = Stage(plan.response_rate, plan.cached_seconds)
        answers = _answers(stage, folder / "all", installation.environment())
        all_ms = tuple(_durations(answers))
        return Response(Latency.of(answers), Latency.of(Answers()), plan.response_rate, all_ms, (), by_cache=False)
    first = cached_users(installation)
    rest = {"FIRST_USER": str(first + 1), "IN_TURN": "1"}
    seconds = min(plan.uncached_seconds, (installation.users - first) / plan.response_rate)
    stage = Stage(plan.response_rate, seconds)
    uncached = _answers(stage, folder / "uncached", {**installation.environment(), **rest}) if seconds else ()
    few = installation.environment(users=min(FEW, first))
    cached = _answers(Stage(plan.response_rate, plan.cached_seconds), folder / "cached", few)
    answers = Answers([*uncached, *cached])
    hits = answers.where(lambda answer: answer.cache in CACHED)
    misses = answers.where(lambda answer: answer.cache in UNCACHED)
    return Response(
        Latency.of(hits), Latency.of(misses), plan.response_rate, tuple(_durations(hits)), tuple(_durations(misses))
    )


def _answers(stage: Stage, folder: Path, environment: dict[str, str]) -> Answers:
    with open_load(folder, [stage], environment=environment) as load:
        load.join(stage.seconds + 30)
    return load.answers()


def _durations(answers: Answers) -> list[float]:
    return sorted(answer.duration_ms for answer in answers)
