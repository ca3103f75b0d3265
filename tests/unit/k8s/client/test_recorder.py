import time

from kubernetes import client

from k8s.client.recorder import ReleaseRecorder
from k8s.client.release import Release


def test_a_recorder_looks_again_and_again(api: client.ApiClient) -> None:
    """It has a moment for each period, and one that knows nothing where the cluster does not answer."""
    recorder, silent = ReleaseRecorder(Release(api, "ns", "api")), ReleaseRecorder(Release(api, "ns", "other"))
    with recorder.recording(period_seconds=0.02), silent.recording(period_seconds=0.02):
        while len(recorder.moments) < 3 or not silent.moments:
            time.sleep(0.01)
    seen = recorder.moments[-1]
    assert (seen.wanted, seen.ready, len(seen.pods)) == (3, 1, 2)
    assert seen.autoscaler is not None
    assert seen.autoscaler.desired == 4
    assert (silent.moments[0].wanted, silent.moments[0].pods) == (None, ())
