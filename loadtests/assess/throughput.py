from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtests.assess.installation import Installation
from loadtests.assess.journal import say
from loadtests.assess.latency import Latency
from loadtests.assess.limiting import Limit, limiting_part
from loadtests.assess.plan import Plan
from loadtests.assess.usage import Usage, UsageMeter
from loadtests.measure import Answers, Load, Stage, open_load

P95_TARGET_MS = 50.0
RATE_TARGET = 1000
# Where the search ends for want of a machine that could be loaded further from here.
HIGHEST_RATE = 4000
# Connections are made and virtual users started at the beginning; the search looks at what comes after.
WARM_UP_SECONDS = 2
# A request waits for at most that much before the load counts as one that cannot be offered.
MOST_WAITING_SECONDS = 0.4


@dataclass(frozen=True)
class Step:
    """A rate that was offered for some seconds, and how it was answered."""

    rate: int
    seconds: float
    answered: float
    """A second."""
    latency: Latency
    dropped: int
    """Requests that were due and not sent, as all virtual users were waiting."""
    reasons: dict[str, int]
    usage: Usage
    limit: Limit | None = None
    """What held it back, where it was not held."""
    folder: str = ""

    @property
    def held(self) -> bool:
        """All requests were sent and answered without an error, 95 % of them within the target."""
        p95 = self.latency.p95_ms
        return not self.dropped and not self.latency.failed and p95 is not None and p95 < P95_TARGET_MS


@dataclass(frozen=True)
class Throughput:
    """The search for the highest rate, and the rate that was then held for long."""

    steps: list[Step]
    hold: Step
    """The last of `holds`: the one that was held, unless none was."""
    holds: list[Step]
    by_second: list[tuple[int, int, float]] = field(default_factory=list)
    """Of the hold: seconds since its start, requests, p99 in ms."""
    caches: dict[str, int] = field(default_factory=dict)
    """Of the hold: answers by X-Cache."""
    replicas: int = 0
    """Ready when the hold began."""
    hold_began_s: float = 0


def search(run: Callable[[int], Step], plan: Plan, highest: int = HIGHEST_RATE) -> list[Step]:
    """Double the rate until a step is not held, then halve the interval until it is narrow; all steps in order.

    A step that was not held is tried again as often as the plan says.
    """
    steps: list[Step] = []

    def held(rate: int) -> bool:
        for _ in range(plan.tries):
            steps.append(run(rate))
            if steps[-1].held:
                return True
        return False

    low, high = 0, plan.first_rate
    while held(high):
        low, high = high, 2 * high
        if low >= highest:
            return steps
    while low and high - low > plan.precision * low:
        middle = (low + high) // 2
        low, high = (middle, high) if held(middle) else (low, middle)
    return steps


def rates_to_hold(steps: list[Step]) -> list[int]:
    """The rates to try for long, highest first: the target if the search came near it, else what the search found."""
    highest = max((step.rate for step in steps if step.held), default=min(step.rate for step in steps))
    below = [round(highest * share) for share in (1, 0.8, 0.6)]
    return [RATE_TARGET, *(rate for rate in below if rate < RATE_TARGET)] if highest >= 0.8 * RATE_TARGET else below


class ThroughputPhase:
    """Offers rates to an installation, and tells who used the CPU meanwhile."""

    def __init__(self, installation: Installation, plan: Plan, meter: UsageMeter, folder: Path, users: int) -> None:
        self._installation = installation
        self._plan = plan
        self._meter = meter
        self._folder = folder
        self._users = users
        self._last_answers = Answers()
        self._last_began_s = 0.0

    def measure(self) -> Throughput:
        """Search, then hold.

        Raises:
            LoadTestError: k6 failed.
            ClusterError: it does not answer.
        """
        steps = search(self._step, self._plan)
        holds: list[Step] = []
        replicas = self._installation.release.ready()
        for rate in rates_to_hold(steps):
            holds.append(self._run(rate, self._plan.hold_seconds, f"hold-{rate}"))
            if holds[-1].held:
                break
        seconds = self._last_answers.by_second()
        caches: dict[str, int] = {}
        for answer in self._last_answers:
            caches[answer.cache] = caches.get(answer.cache, 0) + 1
        start = seconds[0].at_s if seconds else 0
        by_second = [(second.at_s - start, second.requests, second.p99_ms) for second in seconds]
        return Throughput(steps, holds[-1], holds, by_second, caches, replicas, self._last_began_s)

    def _step(self, rate: int) -> Step:
        return self._run(rate, self._plan.step_seconds, f"step-{rate}")

    def _run(self, rate: int, seconds: float, name: str) -> Step:
        folder = self._folder / name
        number = 2
        while folder.exists():  # a repetition
            folder = self._folder / f"{name}-{number}"
            number += 1
        most = max(50, round(MOST_WAITING_SECONDS * rate))
        stage, environment = Stage(rate, WARM_UP_SECONDS + seconds), self._installation.environment(users=self._users)
        with (
            self._meter.measuring() as usage,
            open_load(folder, [stage], environment=environment, max_vus=most) as load,
        ):
            load.join(WARM_UP_SECONDS + seconds + 30)
        usage.add_k6(load.cpu_seconds)
        answers = load.answers()
        began_s = answers[0].at_s + WARM_UP_SECONDS
        self._last_answers, self._last_began_s = answers.between(began_s, began_s + seconds), began_s
        step = self._judged(rate, seconds, load, usage, folder)
        say(f"  {rate:5,} req/s: {_outcome(step)}")
        return step

    def _judged(self, rate: int, seconds: float, load: Load, usage: Usage, folder: Path) -> Step:
        answers = self._last_answers
        step = Step(
            rate,
            seconds,
            answered=(len(answers) - len(answers.failed)) / seconds,
            latency=Latency.of(answers),
            dropped=load.dropped,
            reasons=answers.reasons(),
            usage=usage,
            folder=str(folder),
        )
        if step.held:
            return step
        limit = limiting_part(usage, reasons=step.reasons, answered=step.answered, dropped=step.dropped)
        return replace(step, limit=limit)


def _outcome(step: Step) -> str:
    p95 = "no answer" if step.latency.p95_ms is None else f"p95 {step.latency.p95_ms:.1f} ms"
    failed = f"{step.latency.failed} failed, {step.dropped} not sent"
    return f"{step.answered:,.0f} answered, {p95}, {failed}: {'held' if step.held else 'not held'}"
