import subprocess
import sys
from collections.abc import Iterator

import pytest
from kubernetes import client

from loadtests.defaults import PROMETHEUS
from loadtests.reaction.signal import read_signal
from loadtests.timeline import Cluster
from tests.e2e.own_release import OwnRelease
from tests.e2e.release import CONTEXT
from tests.e2e.test_doctor import VALUES, wait_for_verdict

pytestmark = pytest.mark.e2e

NAME = "n1"
# A namespace each, so that none waits until the one before it is gone.
NAMES = {"foreign-name": {}, "by-name": {"nameOverride": "people"}, "by-full-name": {"fullnameOverride": "people"}}


@pytest.fixture(scope="module", params=NAMES)
def release(api: client.ApiClient, request: pytest.FixtureRequest) -> Iterator[OwnRelease]:
    """A release whose own name is not that of its objects."""
    release = OwnRelease(api, request.param)
    release.name = NAME
    try:
        release.upgrade({**VALUES, **NAMES[request.param]}, "--wait", "--timeout", "2m")
        yield release
    finally:
        release.remove()


def test_every_tool_finds_the_release_by_its_labels(api: client.ApiClient, release: OwnRelease) -> None:
    """Doctor, live view, timeline and reaction read the replicas, autoscaler and pods of a Deployment by any name."""
    assert release.deployment != NAME
    wait_for_verdict(release, "every link holds", seconds=120)
    options = ("--context", CONTEXT, "--namespace", release.namespace, "--release", NAME)
    command = (sys.executable, "-m", "loadtests", "watch", "--once", *options)
    seen = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (seen.returncode, seen.stderr) == (0, "")
    assert "2 ready, 2 wanted, of 2 to 3" in seen.stdout
    observed = Cluster(CONTEXT, release.namespace, NAME, PROMETHEUS).observe()
    assert (observed.minimum, observed.desired, observed.ready) == (2, 2, 2)
    assert read_signal(api, release).target == 1000
