import subprocess
import sys
from collections.abc import Iterator

import pytest
from kubernetes import client

from loadtests.reaction.signal import read_signals
from tests.e2e.diagnosis import wait_for_verdict
from tests.e2e.helm import CONTEXT
from tests.e2e.own_release import OwnRelease, at_once
from tests.e2e.test_doctor import VALUES

pytestmark = pytest.mark.e2e

NAME = "n1"
# By their namespaces: a name that is not the chart's, and what the values make of it.
NAMES = {"foreign-name": {}, "by-name": {"nameOverride": "people"}, "by-full-name": {"fullnameOverride": "people"}}


@pytest.fixture(scope="module")
def releases(api: client.ApiClient) -> Iterator[dict[str, OwnRelease]]:
    """Releases whose own name is not that of their objects."""
    releases = {namespace: OwnRelease(api, namespace) for namespace in NAMES}

    def install(release: OwnRelease) -> None:
        release.name = NAME
        release.upgrade({**VALUES, **NAMES[release.namespace]}, "--wait", "--timeout", "3m")

    try:
        at_once(releases.values(), install)
        yield releases
    finally:
        at_once(releases.values(), OwnRelease.remove)


@pytest.mark.parametrize("namespace", NAMES)
def test_every_tool_finds_the_release_by_its_labels(
    api: client.ApiClient, releases: dict[str, OwnRelease], namespace: str
) -> None:
    """Doctor, live view, reaction and the kit of all tools read the replicas of a Deployment by any name."""
    release = releases[namespace]
    assert release.deployment != NAME
    wait_for_verdict(release, "every link holds")
    options = ("--context", CONTEXT, "--namespace", release.namespace, "--release", NAME)
    command = (sys.executable, "-m", "loadtests", "watch", "--once", *options)
    seen = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (seen.returncode, seen.stderr) == (0, "")
    assert "2 ready, 2 wanted, of 2 to 3" in seen.stdout
    assert release.wait_for_minimum(seconds=60) == 2
    assert [signal.target for signal in read_signals(api, release)] == [1000]
