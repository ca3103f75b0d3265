import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes import client, config
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from tests.e2e.load import BASE_URL, HEADERS
from tests.e2e.release import CONTEXT, MINIMUM, NAMESPACE, Release

EVIDENCE = Path("build/e2e")


@pytest.fixture(scope="session")
def api() -> Iterator[client.ApiClient]:
    """Connect to the cluster."""
    try:
        api: client.ApiClient = config.new_client_from_config(context=CONTEXT)  # type: ignore[no-untyped-call]
        client.VersionApi(api).get_code()
    except (ConfigException, HTTPError) as error:
        pytest.fail(f"no cluster {CONTEXT}: `make kind-up image` brings it. {error}", pytrace=False)
    yield api
    api.close()  # type: ignore[no-untyped-call]


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
        _keep_evidence(EVIDENCE / item.name)
    return report


def _keep_evidence(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, command in {
        "objects": ("get", "all,hpa,ingress,pvc", "--output=wide"),
        "events": ("get", "events", "--sort-by=.lastTimestamp"),
        "hpa": ("describe", "hpa"),
        "pods": ("describe", "pods"),
        "logs": ("logs", "--selector=app.kubernetes.io/instance", "--prefix", "--tail=300", "--all-containers"),
    }.items():
        with (folder / f"{name}.txt").open("wb") as file:
            kubectl = ("kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, *command)
            subprocess.run(kubectl, stdout=file, stderr=subprocess.STDOUT, check=False, timeout=60)
