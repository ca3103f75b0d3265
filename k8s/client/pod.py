from dataclasses import dataclass
from typing import Any

from k8s.client.notation import unix_seconds


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

    @property
    def serving(self) -> bool:
        """Whether new requests come to it: it is ready, and not told to end."""
        return self.ready and not self.stopping


def read_pod(pod: Any) -> Pod:  # noqa: ANN401 - JSON
    """Make one of what the API server says."""
    status = pod["status"]
    containers = status.get("containerStatuses", [])
    ready = next((each for each in status.get("conditions", []) if each["type"] == "Ready"), None)
    is_ready = ready is not None and ready["status"] == "True"
    ended = [each["lastState"]["terminated"]["reason"] for each in containers if each["lastState"].get("terminated")]
    return Pod(
        name=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName", ""),
        ready=is_ready,
        restarts=sum(container["restartCount"] for container in containers),
        stopping="deletionTimestamp" in pod["metadata"],
        created_at_s=unix_seconds(pod["metadata"]["creationTimestamp"]),
        ready_since_s=unix_seconds(ready["lastTransitionTime"]) if ready is not None and is_ready else None,
        address=status.get("podIP", ""),
        image=pod["spec"]["containers"][0]["image"],
        last_ended=ended[0] if ended else "",
    )
