from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes import client

from tests.e2e.cluster import api, prometheus, pytest_runtest_makereport
from tests.e2e.load import BASE_URL, HEADERS
from tests.e2e.release import MINIMUM, Release

__all__ = ["api", "prometheus", "pytest_runtest_makereport"]

LANES = ("shared", "own", "helms", "alone")


@pytest.fixture(scope="session")
def installed(api: client.ApiClient) -> Release:
    """Install the release that all tests share."""
    release = Release(api)
    release.configure()
    return release


@pytest.fixture
def release(installed: Release) -> Release:
    """Give the shared release with the tests' values, at its fewest replicas."""
    installed.configure()
    installed.wait_for_replicas(MINIMUM, seconds=120)
    return installed


@pytest.fixture(scope="session")
def with_database() -> dict[str, Any]:
    """Give the values that bring the shared release a database."""
    return {"postgresql": {"mode": "bundled"}}


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """Call through the Ingress as an authenticated client, on a new connection each time."""
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=BASE_URL, headers=HEADERS, limits=limits, timeout=10) as client:
        yield client


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each file by what may run beside it: those with releases of their `own` beside those of the `shared` one.

    Files that take the shared release as it is come first: other values cost a rollout there and one back. Those that
    give it a database come last: it is started once.
    """

    def files_with(fixture: str) -> set[Path]:
        return {item.path for item in items if fixture in getattr(item, "fixturenames", ())}

    shared, as_it_is, with_database = files_with("installed"), files_with("release"), files_with("with_database")
    for item in items:
        if not any(lane in item.keywords for lane in LANES):
            item.add_marker("shared" if item.path in shared else "own")
    items.sort(
        key=lambda item: (
            *(lane not in item.keywords for lane in LANES),
            item.path not in as_it_is,
            item.path in with_database,
        )
    )
