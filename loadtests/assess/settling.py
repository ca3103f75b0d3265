import time
from pathlib import Path

from k8s.client.release import Release
from loadtests.assess.installation import Installation
from loadtests.assess.journal import say
from loadtests.assess.plan import Plan
from loadtests.measure import Stage, open_load

# So long the replicas must have been as many as are wanted: longer than the autoscaler looks away.
STEADY_SECONDS = 12


def settle(installation: Installation, plan: Plan, folder: Path, users: int) -> int:
    """Offer the search's first rate until the autoscaler has the replicas that it wants for it; their number.

    Starting replicas take CPU from those that answer: the search would find the autoscaler's pace, not the rate held.

    Raises:
        LoadTestError: k6 failed.
        ClusterError: the cluster does not answer.
    """
    stage = Stage(plan.first_rate, plan.settle_limit_seconds + STEADY_SECONDS)
    with open_load(folder, [stage], environment=installation.environment(users=users), max_vus=200) as load:
        wanted, ready = until_settled(installation.release, plan.settle_limit_seconds)
        load.stop()
    say(f"  {ready} of {wanted} replicas ready under {plan.first_rate} req/s")
    return ready


def until_settled(release: Release, limit_seconds: float) -> tuple[int, int]:
    """Wait until the wanted replicas are ready and have stayed as many, or for so long; gives the wanted and the ready.

    Raises:
        ClusterError: the cluster does not answer.
    """
    began = steady_since = time.monotonic()
    last: tuple[int, int] = (0, 0)
    while time.monotonic() < began + limit_seconds:
        seen = release.replicas()
        if seen != last or seen[0] != seen[1]:
            last, steady_since = seen, time.monotonic()
        elif time.monotonic() - steady_since > STEADY_SECONDS:
            break
        time.sleep(1)
    return last
