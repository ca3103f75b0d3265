import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scipy import special  # scipy.stats, which uses it, takes a second longer to import

from loadtests.assess.installation import Installation
from loadtests.assess.plan import Plan
from loadtests.assess.settling import until_settled
from loadtests.errors import LoadTestError
from loadtests.measure import Request, Stage, open_load
from loadtests.ramp import peak_for

# One request in so many asks which replica answers; the others are load.
ASKING_WEIGHT = 1.0
OTHER_WEIGHT = 3.0


@dataclass(frozen=True)
class Spread:
    """Which replicas answered how often, of those that were ready all the time."""

    counts: dict[str, int]
    left_out: dict[str, int]
    """Answers of replicas that came or went meanwhile."""
    statistic: float
    p_value: float
    """How probable so uneven a spread is, if each request goes to any replica with the same probability."""
    effect: float
    """Cohen's w, which does not grow with the number of requests: 0.1 is a small deviation, 0.3 a medium one."""

    def effect_by_chance(self, p_value: float) -> float:
        """Cohen's w that chance alone exceeds with this probability, among so many answers of so many replicas."""
        if len(self.counts) == 1:
            return 0.0
        return float((special.chdtri(len(self.counts) - 1, p_value) / sum(self.counts.values())) ** 0.5)


def measure_spread(installation: Installation, plan: Plan, folder: Path, users: int) -> Spread:
    """Ask who answers among other requests, at a rate for which the autoscaler may have more than its minimum.

    Counted is what comes once it has as many replicas as it wants, or after the longest wait of `plan`.

    Raises:
        LoadTestError: k6 failed, or nothing told which replica it is.
    """
    replica = installation.application.replica
    if replica is None:
        raise LoadTestError(f"the spread {installation.application.lacks('replica.path')}")
    asking = Request(replica.path, weight=ASKING_WEIGHT, server_field=replica.field)
    requests = [asking, Request(name="read", weight=OTHER_WEIGHT)]
    stage = Stage(peak_for(installation.release.autoscaler()), plan.settle_limit_seconds + plan.spread_seconds)
    environment = installation.environment(users=users)
    with open_load(folder, [stage], requests=requests, environment=environment, max_vus=200) as load:
        until_settled(installation.release, plan.settle_limit_seconds)
        before = {pod.name for pod in installation.release.serving_pods()}
        began_s = time.time()
        time.sleep(plan.spread_seconds)
        load.stop()
    counts: dict[str, int] = {}
    for answer in load.answers().between(began_s, math.inf):
        if answer.server_id:
            counts[answer.server_id] = counts.get(answer.server_id, 0) + 1
    after = {pod.name for pod in installation.release.serving_pods()}
    return spread(counts, before & after)


def spread(counts: Mapping[str, int], steady: set[str]) -> Spread:
    """Test whether the replicas that were there all the time answered equally often.

    Raises:
        LoadTestError: none of them answered.
    """
    known = {server: counts.get(server, 0) for server in sorted(steady)} if steady & set(counts) else dict(counts)
    if not sum(known.values()):
        raise LoadTestError("no answer named its replica, as server_id does in that of /api/health")
    even = sum(known.values()) / len(known)
    statistic = sum((count - even) ** 2 / even for count in known.values())
    left_out = {server: count for server, count in counts.items() if server not in known}
    # One replica alone has an even spread, and no degree of freedom to test it with.
    p_value = float(special.chdtrc(len(known) - 1, statistic)) if len(known) > 1 else 1.0
    effect = (statistic / sum(known.values())) ** 0.5
    return Spread(known, left_out, statistic, p_value, effect)
