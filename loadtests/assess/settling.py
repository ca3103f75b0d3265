import time
from pathlib import Path

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
        began = steady_since = time.monotonic()
        last: tuple[int, int] = (0, 0)
        while time.monotonic() < began + plan.settle_limit_seconds:
            seen = installation.release.replicas()
            if seen != last or seen[0] != seen[1]:
                last, steady_since = seen, time.monotonic()
            elif time.monotonic() - steady_since > STEADY_SECONDS:
                break
            time.sleep(1)
        load.stop()
    say(f"  {last[1]} of {last[0]} replicas ready under {plan.first_rate} req/s")
    return last[1]
