from dataclasses import dataclass
from typing import Any

from k8s.client.notation import unix_seconds

READY = ("Ready", "True")


@dataclass(frozen=True)
class Pod:
    """One pod at one time."""

    name: str
    node: str
    """Empty: none takes it yet."""
    ready: bool
    restarts: int
    stopping: bool
    """Told to end: it may still serve requests under way."""
    created_at_s: float
    ready_since_s: float | None
    """Unix seconds; None: it is not ready."""
    address: str
    image: str
    """Of its first container."""
    last_ended: str
    """Why its container ended the last time, e.g. OOMKilled or Error; empty: it never did."""
    state: str
    """A word for people: Ready, Starting, Stopping, or why its container waits."""
    asks_for_scrape: bool
    """By annotation."""

    @property
    def serving(self) -> bool:
        """Whether new requests come to it: it is ready, and not told to end."""
        return self.ready and not self.stopping


def is_ready(pod: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether a pod is ready, by what the API server says of it."""
    return _ready_since(pod) is not None


def read_pod(pod: Any) -> Pod:  # noqa: ANN401 - JSON
    """Make one of what the API server says."""
    status = pod["status"]
    containers = status.get("containerStatuses", [])
    since = _ready_since(pod)
    ended = [each["lastState"]["terminated"] for each in containers if each.get("lastState", {}).get("terminated")]
    return Pod(
        name=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName", ""),
        ready=since is not None,
        restarts=sum(container["restartCount"] for container in containers),
        stopping="deletionTimestamp" in pod["metadata"],
        created_at_s=unix_seconds(pod["metadata"]["creationTimestamp"]),
        ready_since_s=unix_seconds(since) if since else None,
        address=status.get("podIP", ""),
        image=pod["spec"]["containers"][0]["image"],
        last_ended=ended[0]["reason"] if ended else "",
        state=_state(pod, containers, ready=since is not None),
        asks_for_scrape=pod["metadata"].get("annotations", {}).get("prometheus.io/scrape") == "true",
    )


def _ready_since(pod: Any) -> str | None:  # noqa: ANN401 - JSON
    conditions = pod.get("status", {}).get("conditions", ())
    since = (each.get("lastTransitionTime", "") for each in conditions if (each["type"], each["status"]) == READY)
    return next(since, None)


def _state(pod: Any, containers: list[Any], *, ready: bool) -> str:  # noqa: ANN401 - JSON
    if "deletionTimestamp" in pod["metadata"]:
        return "Stopping"
    if ready:
        return "Ready"
    waiting = [each["state"]["waiting"]["reason"] for each in containers if "waiting" in each["state"]]
    if waiting and waiting[0] not in {"ContainerCreating", "PodInitializing"}:
        return str(waiting[0])
    match pod["status"]["phase"]:
        case "Pending":
            return "Starting" if "nodeName" in pod["spec"] else "No node yet"
        case "Running":
            running = all("running" in each["state"] for each in containers)
            return "Not ready" if running and all(each.get("started") for each in containers) else "Starting"
        case phase:
            return str(phase)
