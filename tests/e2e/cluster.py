"""What every test on the cluster has of pytest: a way to it, and what it said when the test failed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from k8s.client.application import PROMETHEUS
from k8s.client.prometheus import Prometheus
from tests.e2e import evidence
from tests.e2e.release import connected

EVIDENCE = Path("build/evidence")


@pytest.fixture(scope="session")
def api() -> Iterator[client.ApiClient]:
    """Connect to the cluster."""
    api = connected()
    yield api
    api.close()


@pytest.fixture(scope="session")
def prometheus(api: client.ApiClient) -> Prometheus:
    """Ask the cluster's Prometheus."""
    return Prometheus(api, PROMETHEUS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:  # noqa: ANN401 - as pluggy has it
    """Keep what the cluster says of a failed test's namespaces, in a folder of its kind and name."""
    report = yield
    if report.failed:
        folder = EVIDENCE / item.path.parent.name / item.name
        for namespace in evidence.namespaces(item.funcargs.values() if isinstance(item, pytest.Function) else ()):
            evidence.keep(folder / namespace, namespace)
        (folder / "failure.txt").write_text(report.longreprtext)
    return report
