from dataclasses import dataclass
from typing import Any

from k8s.client.notation import unix_seconds


@dataclass(frozen=True)
class Event:
    """One of a namespace's events."""

    at_s: float
    """Its last time, in Unix seconds."""
    reason: str
    about: str
    """Kind/name."""
    message: str
    count: int
    is_warning: bool


def read_event(event: Any) -> Event:  # noqa: ANN401 - JSON
    """Make one of what the API server says."""
    series = event.get("series") or {}
    metadata, about = event["metadata"], event["involvedObject"]
    at = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return Event(
        at_s=unix_seconds(at or metadata["creationTimestamp"]),
        reason=event.get("reason", ""),
        about=f"{about.get('kind', '')}/{about.get('name', '')}",
        message=event.get("message", ""),
        count=series.get("count") or event.get("count") or 1,
        is_warning=event.get("type") == "Warning",
    )
