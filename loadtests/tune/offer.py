import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from k8s.client.application import USER
from loadtests.errors import LoadTestError
from loadtests.measure import MOST_WAITING_SECONDS, READ, Answers, Generator, Request, Stage, offer

# Of this many the longest step's p95 is the median: one second's stall is no property of the application.
WINDOW_SECONDS = 1
# Beyond capacity the queue grows. A share e too much has waited e times half of the step by its middle: a step of 40
# times the target tells 5 % too much from capacity.
TARGETS_IN_A_STEP = 40
# More requests may wait where the target is a long time, and in a stall.
MOST_WAITING_TARGETS = 4
FEWEST_USERS = 200
# What was not sent in a stall; a rate that cannot be offered lacks more.
DROPPED_SHARE = 0.01


@dataclass(frozen=True)
class Target:
    """What it is that a replica is to hold."""

    base_url: str
    token: str
    request: Request = READ
    p95_ms: float = 50
    step_seconds: float = 8
    warm_up_seconds: float = 1
    """Connections are made in it; what comes after counts."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Further ones, as of `loadtests.environment`."""

    @property
    def path(self) -> str:
        """What is asked for."""
        return self.request.path or self.variables.get("READ", USER)

    def __post_init__(self) -> None:
        """Refuse steps that are too short to tell.

        Raises:
            LoadTestError: they are.
        """
        if self.step_seconds * 1000 < TARGETS_IN_A_STEP * self.p95_ms:
            seconds = math.ceil(TARGETS_IN_A_STEP * self.p95_ms / 1000)
            raise LoadTestError(
                f"in {self.step_seconds:g} s a queue that grows shows too little beside {self.p95_ms:g} ms: "
                f"--step-seconds must be {seconds} or more"
            )


@dataclass(frozen=True)
class Step:
    """A rate that was offered for some seconds, and how it was answered."""

    rate: float
    """Requests a second and replica."""
    replicas: int
    requests: int
    p95_ms: float
    failed: int
    dropped: int
    """Due and not sent, as too many were waiting."""
    held: bool
    reason: str
    """Why it is not held; empty if it is."""
    generator: Generator = Generator.STEADY


class Offer:
    """Offers rates to replicas whose number must stay as it is."""

    def __init__(self, target: Target, replicas: Callable[[], int], folder: Path) -> None:
        """Take how many replicas are ready, as it is asked before and after each step."""
        self._target = target
        self._replicas = replicas
        self._folder = folder
        self.steps: list[Step] = []

    def step(self, rate: float, seconds: float | None = None, generator: Generator = Generator.STEADY) -> Step:
        """Offer so many requests a second to each replica.

        Raises:
            LoadTestError: the generator failed, no replica is ready, or their number changed meanwhile.
        """
        target, replicas = self._target, self._replicas()
        if not replicas:
            raise LoadTestError("no replica is ready: see its pods (`kubectl get pods` in the release's namespace)")
        total, lasts = max(1, round(rate * replicas)), seconds or target.step_seconds
        environment = {**target.variables, "BASE_URL": target.base_url, "TOKEN": target.token}
        offered = offer(
            generator,
            self._folder / f"step-{len(self.steps) + 1}",
            Stage(total, target.warm_up_seconds + lasts),
            request=target.request,
            environment=environment,
            most_waiting=self._users(total),
        )
        if (after := self._replicas()) != replicas:
            raise LoadTestError(
                f"at {total} requests/s {replicas} ready replicas became {after}: what each of them had is not known. "
                "An autoscaler is kept off by --hold (HOLD=1 of make); else see `kubectl get events`"
            )
        answers = offered.answers
        began_s = answers[0].at_s + target.warm_up_seconds if answers else 0
        found = judged(total / replicas, replicas, answers.between(began_s, math.inf), offered.dropped, target)
        self.steps.append(replace(found, generator=generator))
        return self.steps[-1]

    def _users(self, rate: int) -> int:
        waiting = max(MOST_WAITING_SECONDS, MOST_WAITING_TARGETS * self._target.p95_ms / 1000)
        return max(FEWEST_USERS, round(waiting * rate))


def judged(rate: float, replicas: int, answers: Answers, dropped: int, target: Target) -> Step:
    """Tell whether a rate was held, or else what was the matter."""
    p95 = answers.typical_ms(0.95, WINDOW_SECONDS)
    failed = ", ".join(f"{count:,} x {reason}" for reason, count in answers.reasons().items())
    reasons = [
        f"failed: {failed}" if failed else "",
        f"{dropped:,} not sent, as too many were waiting" if dropped > DROPPED_SHARE * len(answers) else "",
        "" if p95 <= target.p95_ms else f"p95 {p95:,.0f} ms",
    ]
    said = "; ".join(reason for reason in reasons if reason)
    return Step(rate, replicas, len(answers), p95, len(answers.failed), dropped, held=not said, reason=said)
