from pathlib import Path

import pytest
from kubernetes import client

from k8s.client.prometheus import Prometheus
from k8s.client.release import Release as Measured
from loadtests.reaction import measure_step
from tests.e2e.load import BASE_URL
from tests.e2e.release import MINIMUM, NAME, NAMESPACE, Release

# What else the machine has to do fails requests of a step.
pytestmark = [pytest.mark.e2e, pytest.mark.alone]

# Ten times as much is more than two replicas bear. At 200 requests/s some timed out where two other processes kept both
# cores busy: what starts pods, and what sends the load, have the same cores.
BASE_RATE = 10


def test_every_link_of_a_scale_out_is_timed(
    release: Release, api: client.ApiClient, prometheus: Prometheus, tmp_path: Path
) -> None:
    """After a tenfold step each link is seen, in the order in which they cause each other, and few requests fail."""
    measured = Measured(api, NAMESPACE, NAME)
    step = measure_step(api, measured, prometheus, tmp_path, environment={"BASE_URL": BASE_URL}, rate=BASE_RATE)
    assert step.scraped is not None
    assert step.crossed is not None
    assert step.external is not None
    assert step.decided is not None
    chain = [at for at in (step.created, step.scheduled, step.started, step.ready, step.answered) if at is not None]
    assert len(chain) == 5
    assert chain == sorted(chain)
    # The autoscaler says what it decided after it has done so.
    assert step.decided <= chain[0] + 1
    assert 0 < step.scraped <= step.crossed
    # The API's recorder lets an object say 25 things, then one in five minutes: a cluster with a past may be silent.
    assert not step.reason or "New size: " in step.reason
    assert step.failed <= step.requests / 1000
    release.wait_for_replicas(MINIMUM, seconds=180)
