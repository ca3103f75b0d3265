import re
from dataclasses import replace

from k8s.client.event import Event
from k8s.client.release import Release

# The autoscaler prints a metric's selector as Go does, 150 characters that name the release.
LABELS = re.compile(r"\(&LabelSelector\{.*?\},?\}\)")


def read_events(release: Release) -> list[Event]:
    """Read what happened to the objects of a release, known by its Deployment's name, the newest first.

    Raises:
        ClusterError: the cluster does not answer.
    """
    own = [event for event in release.events() if event.about.partition("/")[2].startswith(release.deployment)]
    return [replace(event, message=LABELS.sub("", " ".join(event.message.split()))) for event in reversed(own)]
