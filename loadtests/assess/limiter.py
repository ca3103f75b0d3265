import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from loadtests.assess.installation import Installation
from loadtests.assess.plan import Plan
from loadtests.errors import LoadTestError
from loadtests.measure import Answers, Request, Stage, open_load

# What a load may take that is twice the limit.
HIGHEST_RATE = 400
# What finding out may spend without a wait for it to come back: far less than the deviation that is looked for.
SPENT_SHARE = 0.005
LONGEST_WINDOW_SECONDS = 120
# "override-1";q=600;w=10, as draft-ietf-httpapi-ratelimit-headers has it
_LEFT = re.compile(r";r=(\d+)")
POLICY = re.compile(r"q=(\d+);w=([\d.]+)")


@dataclass(frozen=True)
class Limiter:
    """How many requests of one client were let through, of twice as many as its limit."""

    limit: int
    window_seconds: float
    windows: int
    offered: int
    accepted: int
    refused: int
    by_window: tuple[int, ...]
    """Accepted in each window from the first request on."""
    replicas: int
    accepted_at_s: list[float] = field(default_factory=list)
    """Since the first request; for the plot."""

    @property
    def error_percent(self) -> float:
        """The largest deviation of a window from the limit."""
        return max((abs(accepted / self.limit - 1) for accepted in self.by_window), default=1.0) * 100


def measure_limiter(installation: Installation, plan: Plan, folder: Path) -> Limiter:
    """Offer twice the limit of the token that has a limit of its own, or of the ordinary one if it can be reached.

    Raises:
        LoadTestError: neither token has a limit that can be reached, or k6 failed.
    """
    token, limit, window, left = _reachable(installation)
    if left < limit * (1 - SPENT_SHARE):
        time.sleep(window + 1)  # what an earlier run has spent comes back
    rate, seconds = round(2 * limit / window), plan.limiter_windows * window
    request = Request(installation.path, token=token, name="limited")
    environment = installation.environment()
    with open_load(folder, [Stage(rate, seconds + 1)], requests=[request], environment=environment) as load:
        load.join(seconds + 30)
    return judge(load.answers(), limit, window, plan.limiter_windows, installation.release.ready())


def judge(answers: Answers, limit: int, window: float, windows: int, replicas: int) -> Limiter:
    """Count what was let through in each window from the first request on."""
    start = answers[0].at_s
    parts = [answers.between(start + number * window, start + (number + 1) * window) for number in range(windows)]
    accepted = [part.where(lambda answer: answer.status == HTTPStatus.OK) for part in parts]
    refused = [part.where(lambda answer: answer.status == HTTPStatus.TOO_MANY_REQUESTS) for part in parts]
    return Limiter(
        limit,
        window,
        windows,
        offered=sum(map(len, parts)),
        accepted=sum(map(len, accepted)),
        refused=sum(map(len, refused)),
        by_window=tuple(map(len, accepted)),
        replicas=replicas,
        accepted_at_s=[answer.at_s - start for part in accepted for answer in part],
    )


def _reachable(installation: Installation) -> tuple[str, int, float, int]:
    """Token, limit, window in seconds, and how much of the limit is left."""
    reasons = []
    for name, token in (("LIMITED_TOKEN", installation.limited_token), ("TOKEN", installation.token)):
        status, headers, _ = installation.get(installation.path, token)
        found = POLICY.search(headers.get("ratelimit-policy", ""))
        if status not in {HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS} or not found:
            reasons.append(f"{name} is answered with {status} and no RateLimit-Policy")
            continue
        limit, window = int(found[1]), float(found[2])
        if 2 * limit / window <= HIGHEST_RATE and window <= LONGEST_WINDOW_SECONDS:
            left = _LEFT.search(headers.get("ratelimit", ""))
            return token, limit, window, int(left[1]) if left else 0
        reasons.append(f"{name} may make {limit:,} requests in {window:g} s, more than is offered here")
    raise LoadTestError(
        "; ".join(reasons)
        + ". Give a token with a small limit as LIMITED_TOKEN: an entry of config.rateLimit.overrides"
    )
