import re
from typing import Any

from loadtests.watch.api_server import ApiServer
from loadtests.watch.fleet import unix_seconds
from loadtests.watch.snapshot import Event

# The autoscaler prints a metric's selector as Go does, 150 characters that name the release.
LABELS = re.compile(r"\(&LabelSelector\{.*?\},?\}\)")


def read_events(api: ApiServer, namespace: str, deployment: str) -> list[Event]:
    """Read what happened to the objects of a release, by its Deployment's name, the newest first.

    Raises:
        ClusterError: the cluster does not answer.
    """
    return events(api.get(f"/api/v1/namespaces/{namespace}/events"), deployment)


def events(listed: Any, deployment: str) -> list[Event]:  # noqa: ANN401 - JSON as the API server has it
    """Make events of the list, those of objects whose name begins as the Deployment's."""
    found = [_event(each) for each in listed["items"] if each["involvedObject"].get("name", "").startswith(deployment)]
    return sorted(found, key=lambda event: event.at, reverse=True)


def _event(event: Any) -> Event:  # noqa: ANN401 - likewise
    series = event.get("series") or {}
    at = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    about = event["involvedObject"]
    return Event(
        at=unix_seconds(at or event["metadata"]["creationTimestamp"]) or 0,
        about=f"{about['kind']}/{about['name']}",
        reason=event.get("reason", ""),
        message=LABELS.sub("", " ".join(event.get("message", "").split())),
        is_warning=event.get("type") == "Warning",
        times=series.get("count") or event.get("count") or 1,
    )
