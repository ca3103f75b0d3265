import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from kubernetes import client, watch
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from k8s.client.api import get
from k8s.client.background import in_background
from k8s.client.errors import NoAnswerError
from k8s.client.notation import quantity, unix_seconds
from k8s.client.pod import is_ready
from k8s.client.release import Release

# A watch that is asked anew this often ends soon after it is told to.
WATCH_SECONDS = 2
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Seen:
    """An object of the API as it was when this host learned of it, in Unix seconds."""

    at_s: float
    body: Any


class Observer:
    """Notes when pods and autoscaler change and what the external metric is, to a fraction of a second.

    The API's own times are whole seconds, so those of a watch's arrival are taken: on one host the clocks are one.
    """

    def __init__(self, api: Any, release: Release) -> None:  # noqa: ANN401 - the client has no types
        self._api = api
        self._release = release
        self._ended = threading.Event()
        self.pods: list[Seen] = []
        self.scalers: list[Seen] = []
        self.external: dict[str, list[tuple[float, float]]] = {}
        """By metric, Unix seconds and its value then."""

    @contextmanager
    def observing(self, metrics: Mapping[str, str]) -> Iterator["Observer"]:
        """Observe for as long as the block lasts, and the external metrics of these names, each with its selector."""
        core, autoscaling = client.CoreV1Api(self._api), client.AutoscalingV2Api(self._api)
        labels = self._release.selector("api")
        jobs: list[Callable[[], None]] = [
            lambda: self._watch(core.list_namespaced_pod, self.pods, label_selector=labels),
            lambda: self._watch(autoscaling.list_namespaced_horizontal_pod_autoscaler, self.scalers),
            *(partial(self._poll, metric, selector) for metric, selector in metrics.items()),
        ]
        with in_background(self._ended, "observer", *jobs):
            yield self

    def times_of_growth(self, old: set[str], after_s: float) -> dict[str, float | None]:
        """When more replicas than `old` were wanted, and when the first new pod was in each state, since a time."""
        new = [seen for seen in self.pods if seen.body["metadata"]["name"] not in old]

        def first(seen: Iterable[Seen], holds: Callable[[Any], bool]) -> float | None:
            return next((each.at_s for each in seen if each.at_s >= after_s and holds(each.body)), None)

        return {
            "decided": first(self.scalers, lambda hpa: hpa["status"].get("desiredReplicas", 0) > len(old)),
            "created": first(new, bool),
            "scheduled": first(new, _has_node),
            "started": min((each for seen in new if (each := _started_by(seen)) is not None), default=None),
            "ready": first(new, is_ready),
        }

    def _watch(self, listed: Any, seen: list[Seen], **options: Any) -> None:  # noqa: ANN401 - likewise
        version = ""
        while not self._ended.is_set():
            try:
                # From the list's version: that of an object may be older, and what was since then would come again.
                version = version or _version(listed, self._release.namespace, **options)
                for event in watch.Watch().stream(  # type: ignore[no-untyped-call]
                    listed,
                    self._release.namespace,
                    resource_version=version,
                    timeout_seconds=WATCH_SECONDS,
                    **options,
                ):
                    body = event["raw_object"]
                    seen.append(Seen(time.time(), body))
                    version = body["metadata"]["resourceVersion"]
            except (ApiException, HTTPError):
                version = ""
                self._ended.wait(POLL_SECONDS)

    def _poll(self, name: str, selector: str) -> None:
        path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{self._release.namespace}/{name}"
        values = self.external.setdefault(name, [])
        while not self._ended.wait(POLL_SECONDS):
            try:
                found = get(self._api, path, {"labelSelector": selector}, timeout_seconds=WATCH_SECONDS)
            except NoAnswerError:
                continue
            if found["items"]:
                values.append((time.time(), quantity(found["items"][0]["value"]) or 0.0))


def _version(listed: Any, namespace: str, **options: Any) -> str:  # noqa: ANN401 - likewise
    answer = listed(namespace, _preload_content=False, _request_timeout=WATCH_SECONDS, **options)
    version: str = json.loads(answer.data)["metadata"]["resourceVersion"]
    return version


def _has_node(pod: Any) -> bool:  # noqa: ANN401 - JSON
    return bool(pod["spec"].get("nodeName"))


def _started_by(seen: Seen) -> float | None:
    """When its container ran: the kubelet may report that seconds later, and names a whole second."""
    running = (each["state"].get("running") for each in seen.body["status"].get("containerStatuses", ()))
    times = [unix_seconds(each["startedAt"]) + 1 for each in running if each]
    return min(seen.at_s, *times) if times else None
