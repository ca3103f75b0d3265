import time
from collections.abc import Iterator

import pytest
from kubernetes import client

from loadtests.interruption import sigterm_as_interrupt
from tests.chaos.experiment import Experiment, Run, Start
from tests.chaos.images import Images, build
from tests.chaos.values import VALUES
from tests.chaos.way_in import by_its_controller
from tests.e2e.cluster import api, prometheus, pytest_runtest_makereport
from tests.e2e.release import MINIMUM, Release

__all__ = ["api", "prometheus", "pytest_runtest_makereport"]
# The longest stabilisation window of an experiment, with what the one before it may have left, and the replicas' ends.
AT_MINIMUM_SECONDS = 480
# What an install costs the machine is over by then: it is no part of what is measured.
CALM_SECONDS = 5


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what chooses the form of the experiments."""
    parser.addoption("--short", action="store_true", help="one round of each experiment, without the summary's row")
    parser.addoption("--record", action="store_true", help="write that row all the same")


@pytest.fixture(scope="session", autouse=True)
def _clean_up_when_stopped() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C, so that what an experiment took away or blocked is given back."""
    with sigterm_as_interrupt():
        yield


@pytest.fixture(scope="session")
def installed(api: client.ApiClient) -> Release:
    """Give the release that all experiments share, which each configures for itself."""
    return Release(api)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Build two further images of the service and put them into the cluster."""
    return build(tmp_path_factory.mktemp("images"))


@pytest.fixture
def start(request: pytest.FixtureRequest, installed: Release) -> Iterator[Start]:
    """Install what an experiment needs and wait until it is at its fewest replicas; clean up after it."""
    sabotaged = bool(request.config.getoption("--sabotage"))
    asked_short = bool(request.config.getoption("--short"))
    short = asked_short or sabotaged
    recorded = not asked_short or bool(request.config.getoption("--record"))
    runs: list[Run] = []

    def begin(experiment: Experiment) -> Run:
        installed.configure(VALUES, experiment.values, experiment.sabotaged if sabotaged else {})
        if sabotaged:
            experiment.break_it(installed)
            installed.wait_for_rollout()
        minimum = experiment.values.get("autoscaling", {}).get("minReplicas", MINIMUM)
        installed.wait_for_replicas(minimum, seconds=AT_MINIMUM_SECONDS)
        if not short:
            time.sleep(CALM_SECONDS)
        runs.append(Run(by_its_controller(experiment), installed, short, sabotaged, recorded))
        return runs[-1]

    yield begin
    for run in runs:
        if not run.concluded:
            run.write_broken_off()
    if sabotaged:
        installed.uninstall()
