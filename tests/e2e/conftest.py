from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes import client

from loadtests.defaults import PROMETHEUS
from loadtests.measure import Prometheus
from tests.e2e import evidence
from tests.e2e.load import BASE_URL, HEADERS
from tests.e2e.release import MINIMUM, Release, connected
from tests.e2e.turns import turn

EVIDENCE = Path("build/e2e")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what makes two halves of these tests, which may run beside each other."""
    parser.addoption(
        "--releases", choices=("shared", "own"), help="only the tests of the shared release, or of those of their own"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the other half, if one is asked for."""
    half = config.getoption("--releases")
    others = [] if half is None else [item for item in items if _shares(item) != (half == "shared")]
    items[:] = [item for item in items if item not in others]
    config.hook.pytest_deselected(items=others)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around the time limit of a test, which is none of the wait for its turn
def pytest_runtest_protocol(item: pytest.Item) -> Any:  # noqa: ANN401 - as pluggy has it
    """Keep tests marked `alone`, with what is set up for them, from running beside the other half's."""
    with turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


def _shares(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "installed" in item.fixturenames


@pytest.fixture(scope="session")
def api() -> Iterator[client.ApiClient]:
    """Connect to the cluster."""
    api = connected()
    yield api
    api.close()


@pytest.fixture(scope="session")
def prometheus(api: client.ApiClient) -> Prometheus:
    """The cluster's Prometheus."""
    return Prometheus(PROMETHEUS, api=api)


@pytest.fixture(scope="session")
def installed(api: client.ApiClient, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Install the release that all tests share."""
    release = Release(api, tmp_path_factory.mktemp("values") / "values.yaml")
    release.configure()
    return release


@pytest.fixture
def release(installed: Release) -> Release:
    """Give the shared release with the tests' values, at its fewest replicas."""
    installed.configure()
    installed.wait_for_replicas(MINIMUM, seconds=120)
    return installed


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """Call through the Ingress as an authenticated client, on a new connection each time."""
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=BASE_URL, headers=HEADERS, limits=limits, timeout=10) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:  # noqa: ANN401 - as pluggy has it
    """Keep what the cluster says when a test fails."""
    report = yield
    if report.failed:
        evidence.keep(EVIDENCE / item.name)
    return report
