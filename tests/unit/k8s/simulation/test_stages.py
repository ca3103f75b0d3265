import json

from k8s.simulation import Options
from k8s.simulation.stages import stages


def test_pods_are_ready_and_gone_when_they_are_told_to() -> None:
    """A stage for each, with its delay, and one that makes nodes ready at once."""
    documents = [json.loads(text) for text in stages(Options(ready_after_ms=300, gone_after_ms=1000)).split("\n---\n")]
    delays = {each["metadata"]["name"]: each["spec"]["delay"]["durationMilliseconds"] for each in documents}
    assert delays == {"node-ready": 0, "pod-ready": 300, "pod-gone": 1000}


def test_no_two_starts_are_alike() -> None:
    """A pod takes up to a fifth longer."""
    delays = [json.loads(text)["spec"]["delay"] for text in stages(Options()).split("\n---\n")]
    assert all(each["jitterDurationMilliseconds"] == each["durationMilliseconds"] * 1.2 for each in delays)
