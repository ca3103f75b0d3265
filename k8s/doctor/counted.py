"""Which pods the autoscaler counts: as its controller groups them, by what there is of them now."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8s.client.errors import NoAnswerError
from k8s.client.notation import unix_seconds
from k8s.client.pod import is_ready
from k8s.doctor.api import Api, with_query
from k8s.doctor.snapshot import Json, Snapshot

# The controller's own; a cluster may have others by flags, which nobody outside can read.
CPU_INITIALIZATION_SECONDS = 300
READINESS_DELAY_SECONDS = 30
_PARTS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


@dataclass(frozen=True)
class Sample:
    """When a pod's CPU was measured, and over how long."""

    at_s: float
    window_s: float


@dataclass(frozen=True)
class Counted:
    """Pods with a value that counts, those too new for one, and those without."""

    measured: int
    unready: int = 0
    missing: int = 0


def read_samples(api: Api, release: Snapshot) -> Mapping[str, Sample] | None:
    """Read when metrics-server measured each pod; None: it does not answer."""
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{release.namespace}/pods"
    try:
        items = api.get(with_query(path, labelSelector=release.pod_selector))["items"]
    except NoAnswerError:
        return None
    return {
        item["metadata"]["name"]: Sample(unix_seconds(item["timestamp"]), seconds(item["window"])) for item in items
    }


def seconds(duration: str) -> float:
    """Read a duration as Go writes it: 1m0.5s is 60.5."""
    return sum(float(number) * _PARTS[unit] for number, unit in re.findall(r"([\d.]+)(h|ms|us|ns|m|s)", duration))


def count_for_cpu(pods: Sequence[Json], samples: Mapping[str, Sample] | None, now_s: float) -> Counted:
    """Group pods for a metric of their CPU; without samples each that runs is taken as measured."""
    groups = [_group(pod, samples, now_s) for pod in _living(pods)]
    return Counted(groups.count("measured"), groups.count("unready"), groups.count("missing"))


def count_for_values(pods: Sequence[Json]) -> Counted:
    """Group pods for a metric of their own, of which each that runs is taken to have a value."""
    pending = [pod["status"]["phase"] == "Pending" for pod in _living(pods)]
    return Counted(measured=pending.count(False), unready=pending.count(True))


def count_ready(pods: Sequence[Json]) -> int:
    """Count those that are ready: a metric of an object, or of all, asks for so many times its share of the target."""
    return sum(pod["status"]["phase"] == "Running" and is_ready(pod) for pod in pods)


def _living(pods: Sequence[Json]) -> list[Json]:
    return [
        pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and pod["status"].get("phase") != "Failed"
    ]


def _ready(pod: Json) -> Json:
    return next((each for each in pod["status"].get("conditions", ()) if each["type"] == "Ready"), {})


def _group(pod: Json, samples: Mapping[str, Sample] | None, now_s: float) -> str:
    if pod["status"]["phase"] == "Pending":
        return "unready"
    sample = None
    if samples is not None and (sample := samples.get(pod["metadata"]["name"])) is None:
        return "missing"
    ready = _ready(pod)
    if not ready:
        return "unready"
    started_s = unix_seconds(pod["status"].get("startTime") or pod["metadata"]["creationTimestamp"])
    changed = ready.get("lastTransitionTime")
    changed_s = unix_seconds(changed) if changed else started_s
    is_away = ready["status"] == "False"
    if now_s < started_s + CPU_INITIALIZATION_SECONDS:
        # What it took to start must not add pods: a sample counts when all of it is of a pod that was ready.
        too_new = sample is not None and sample.at_s < changed_s + sample.window_s
        return "unready" if is_away or too_new else "measured"
    never_was_ready = changed_s < started_s + READINESS_DELAY_SECONDS
    return "unready" if is_away and never_was_ready else "measured"
