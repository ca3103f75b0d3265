import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from k8s.client.application import USER, USERS_API, Application
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from loadtests.ramp import ramp_for
from loadtests.reaction.measure import absent, measure_step
from loadtests.reaction.report import document, table, write
from loadtests.reaction.step import LINKS, Step
from loadtests.target import require_answer


def reaction(  # noqa: PLR0913 - by name
    api: Any,  # noqa: ANN401 - the client has no types
    release: Release,
    prometheus: Prometheus,
    runs: int,
    *,
    environment: Mapping[str, str],
    output: Path,
    page: Path | None = None,
    application: Application = USERS_API,
) -> None:
    """Step the load `runs` times, each from the fewest replicas, and print and write the time budget per link.

    `page` is a Markdown file that takes the table too.

    Raises:
        LoadTestError: no load, none that asks for more replicas, or no release that KEDA scales.
        ClusterError: no cluster, or no such release.
    """
    require_answer(environment["BASE_URL"], environment["TOKEN"], environment.get("READ", USER))
    steps: list[Step] = []
    missing = absent(application)
    rate = ramp_for(release.autoscaler()).start
    for run in range(1, runs + 1):
        folder = output / f"run-{run}"
        step = measure_step(
            api, release, prometheus, folder, rate=rate, environment=environment, application=application
        )
        steps.append(step)
        links = ", ".join(f"{name} {_seconds(getattr(step, name))}" for name in LINKS)
        sys.stdout.write(f"run {run} of {runs}: {links} ({step.reason})\n")
        sys.stdout.flush()
        write(steps, output, missing)
    if page is not None:
        document(steps, page, missing)
    sys.stdout.write(f"\n{table(steps, missing)}\n\nwritten: {output / 'reaction.json'}, {output / 'reaction.md'}\n")


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
