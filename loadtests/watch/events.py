import re
from dataclasses import replace
from typing import Any

from k8s.client.event import Event, read_event
from loadtests.watch.api_server import ApiServer

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
    found = [
        read_event(each) for each in listed["items"] if each["involvedObject"].get("name", "").startswith(deployment)
    ]
    shown = [replace(event, message=LABELS.sub("", " ".join(event.message.split()))) for event in found]
    return sorted(shown, key=lambda event: event.at_s, reverse=True)
