from dataclasses import dataclass
from pathlib import Path

from loadtests.assess.installation import Installation
from loadtests.assess.latency import Latency
from loadtests.assess.plan import Plan
from loadtests.errors import LoadTestError
from loadtests.measure import Request, Stage, open_load

# Ten seconds of writes, of which none is answered.
MOST_WAITING = 50


@dataclass(frozen=True)
class Written:
    """What writing takes, of an application of which nobody knows how to read it again."""

    latency: Latency
    reasons: dict[str, int]
    """How often each status or error was the end of a failed write."""


def measure_written(installation: Installation, plan: Plan, folder: Path) -> Written:
    """Send the application's write as often as users are created of the users API; what is written stays.

    Raises:
        LoadTestError: k6 failed, or no write was taken.
    """
    write = installation.application.write
    if write is None:
        raise LoadTestError(f"writing {installation.application.lacks('write.path')}")
    rate = plan.pace.users_per_second
    stage = Stage(round(rate), plan.written_users / rate)
    request = Request(write.path, write.method, write.body, name="write")
    environment = installation.environment()
    with open_load(folder, [stage], requests=[request], environment=environment, max_vus=MOST_WAITING) as load:
        load.join(stage.seconds + 30)
    answers = load.answers()
    if len(answers) == len(answers.failed):
        reasons = ", ".join(f"{count} x {reason}" for reason, count in answers.reasons().items())
        raise LoadTestError(f"nothing could be written ({reasons or 'none was tried'}): token must be one that may")
    return Written(Latency.of(answers), answers.reasons())
