from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes import client

from k8s.client.prometheus import Prometheus
from loadtests.defaults import PROMETHEUS
from tests.e2e import evidence
from tests.e2e.load import BASE_URL, HEADERS
from tests.e2e.release import MINIMUM, Release, connected

EVIDENCE = Path("build/e2e")


@pytest.fixture(scope="session")
def api() -> Iterator[client.ApiClient]:
    """Connect to the cluster."""
    api = connected()
    yield api
    api.close()


@pytest.fixture(scope="session")
def prometheus(api: client.ApiClient) -> Prometheus:
    """The cluster's Prometheus."""
    return Prometheus(api, PROMETHEUS)


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have files that take the shared release as it is come first: other values cost a rollout there and one back."""

    def takes_it(item: pytest.Item) -> bool:
        return "release" in getattr(item, "fixturenames", ())

    as_it_is = {item.path for item in items if takes_it(item)}
    items.sort(key=lambda item: item.path not in as_it_is)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:  # noqa: ANN401 - as pluggy has it
    """Keep what the cluster says when a test fails."""
    report = yield
    if report.failed:
        evidence.keep(EVIDENCE / item.name)
    return report
