from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtests.assess.installation import Installation
from loadtests.assess.journal import say
from loadtests.assess.latency import Latency
from loadtests.assess.limiting import Limit, limiting_part
from loadtests.assess.plan import Plan
from loadtests.assess.usage import GENERATOR, Usage, UsageMeter
from loadtests.measure import Answers, Generator, Offered, Stage, offer

P95_TARGET_MS = 50.0
RATE_TARGET = 1000
# Where the search ends for want of a machine that could be loaded further from here.
HIGHEST_RATE = 4000
# Connections are made at the beginning; the search looks at what comes after.
WARM_UP_SECONDS = 2
# What is tried for long, of the highest rate that was held for a few seconds.
SHARES = (1, 0.9, 0.8, 0.7, 0.6)
# Of the highest too: a share so near to a rate that is tried anyway would find the same.
APART = 0.05
# Other work may have ended a search that came so near to the target: that is tried too.
NEAR = 0.8


@dataclass(frozen=True)
class Step:
    """A rate that was offered for some seconds, and how it was answered."""

    rate: int
    seconds: float
    answered: float
    """A second."""
    latency: Latency
    dropped: int
    """Requests that were due and not sent, as all clients were waiting."""
    reasons: dict[str, int]
    usage: Usage
    limit: Limit | None = None
    """What held it back, where it was not held."""
    folder: str = ""
    generator: Generator = Generator.STEADY

    @property
    def generator_us(self) -> float | None:
        """CPU that the load generator took itself, in microseconds a request that was answered."""
        return self.usage.parts.get(GENERATOR, 0) / self.answered * 1e6 if self.answered else None

    @property
    def held(self) -> bool:
        """All requests were sent and answered without an error, 95 % of them within the target."""
        p95 = self.latency.p95_ms
        return not self.dropped and not self.latency.failed and p95 is not None and p95 < P95_TARGET_MS


@dataclass(frozen=True)
class Throughput:
    """The search for the highest rate, and the rates that were then held for long."""

    steps: list[Step]
    hold: Step
    """The last of `holds` by the cheap generator: the one that was held, unless none was."""
    by_k6: Step
    """The last of them by k6."""
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
    """The rates to try for long, highest first: what the search held, and less; the target, where it came near."""
    held = {step.rate for step in steps if step.held}
    highest = max(held, default=min(step.rate for step in steps))
    rates = {rate for rate in held if rate >= SHARES[-1] * highest}
    if highest >= NEAR * RATE_TARGET:
        rates.add(RATE_TARGET)
    for share in SHARES:
        if all(abs(share * highest - rate) >= APART * highest for rate in rates):
            rates.add(round(share * highest))
    return sorted(rates, reverse=True)


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
        """Search and hold by the cheap generator, then hold by k6 what that leaves.

        Raises:
            LoadTestError: a generator failed.
            ClusterError: it does not answer.
        """
        steps = search(self._step, self._plan)
        replicas = self._installation.release.ready()
        holds = self._hold(rates_to_hold(steps), Generator.STEADY)
        answers, began_s = self._last_answers, self._last_began_s
        by_k6 = self._hold(rates_to_hold([holds[-1]]), Generator.K6)
        seconds = answers.by_second()
        caches: dict[str, int] = {}
        for answer in answers:
            caches[answer.cache] = caches.get(answer.cache, 0) + 1
        start = seconds[0].at_s if seconds else 0
        by_second = [(second.at_s - start, second.requests, second.p99_ms) for second in seconds]
        return Throughput(steps, holds[-1], by_k6[-1], [*holds, *by_k6], by_second, caches, replicas, began_s)

    def _hold(self, rates: list[int], generator: Generator) -> list[Step]:
        """Try rates for long, until one is held."""
        holds: list[Step] = []
        for rate in rates:
            holds.append(self._run(rate, self._plan.hold_seconds, f"hold-{rate}-{generator}", generator))
            if holds[-1].held:
                break
        return holds

    def _step(self, rate: int) -> Step:
        return self._run(rate, self._plan.step_seconds, f"step-{rate}")

    def _run(self, rate: int, seconds: float, name: str, generator: Generator = Generator.STEADY) -> Step:
        folder = self._folder / name
        number = 2
        while folder.exists():  # a repetition
            folder = self._folder / f"{name}-{number}"
            number += 1
        stage, environment = Stage(rate, WARM_UP_SECONDS + seconds), self._installation.environment(users=self._users)
        with self._meter.measuring() as usage:
            offered = offer(generator, folder, stage, environment=environment)
        usage.add_generator(offered.cpu_seconds, generator.cores)
        answers = offered.answers
        began_s = answers[0].at_s + WARM_UP_SECONDS
        self._last_answers, self._last_began_s = answers.between(began_s, began_s + seconds), began_s
        step = replace(self._judged(rate, seconds, offered, usage, folder), generator=generator)
        say(f"  {rate:5,} req/s by {generator}: {_outcome(step)}")
        return step

    def _judged(self, rate: int, seconds: float, offered: Offered, usage: Usage, folder: Path) -> Step:
        answers = self._last_answers
        step = Step(
            rate,
            seconds,
            answered=(len(answers) - len(answers.failed)) / seconds,
            latency=Latency.of(answers),
            dropped=offered.dropped,
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
