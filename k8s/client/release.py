import json
from functools import cached_property
from typing import Any

from kubernetes import client
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from k8s.client.api import CALL_TIMEOUT_SECONDS, no_answer
from k8s.client.autoscaler import Autoscaler, read_autoscaler, scales
from k8s.client.deployment import choose, selector, series_of_pods
from k8s.client.errors import ClusterError
from k8s.client.event import Event, read_event
from k8s.client.pod import Pod, read_pod
from k8s.client.waiting import wait_until


class Release:
    """A release of the chart, as the cluster shows it; each call raises ClusterError where that does not answer."""

    def __init__(self, api: Any, namespace: str, name: str, deployment: str = "") -> None:  # noqa: ANN401 - the client has no types
        """Take its namespace and name; `deployment` says which one is meant where it has several."""
        # Any: in the client's types every field of every object may be None.
        self.apps: Any = client.AppsV1Api(api)
        self.autoscaling: Any = client.AutoscalingV2Api(api)
        self.core: Any = client.CoreV1Api(api)
        self.namespace = namespace
        self.name = name
        self._chosen = deployment

    @cached_property
    def deployment(self) -> str:
        """Name of the API's Deployment."""
        return self._chosen or str(self._read()["metadata"]["name"])

    @property
    def series(self) -> str:
        """Selects its pods' series in PromQL."""
        return series_of_pods(self.namespace, self.deployment)

    def selector(self, component: str) -> str:
        """Selects its objects of a component by label."""
        return selector(self.name, component, only_of=self._read() if self._chosen else None)

    def replicas(self) -> tuple[int, int]:
        """Replicas that the Deployment is told to have, and those that are ready."""
        deployment = self._read()
        return deployment["spec"]["replicas"], deployment["status"].get("readyReplicas", 0)

    def wanted(self) -> int:
        """Replicas that the Deployment is told to have."""
        return self.replicas()[0]

    def ready(self) -> int:
        """Replicas that are ready."""
        return self.replicas()[1]

    def wait_for_replicas(self, count: int, seconds: float) -> None:
        """Wait until exactly `count` replicas are wanted and ready.

        Raises:
            NotInTimeError: there are others after so many seconds.
        """
        what = f"{count} replicas wanted and ready"
        wait_until(self.replicas, lambda seen: seen == (count, count), seconds, what)

    def api_pods(self) -> list[Pod]:
        """The API's pods, those that are being stopped too."""
        return self._pods("api")

    def serving_pods(self) -> list[Pod]:
        """Those of the API's pods that new requests come to."""
        return [pod for pod in self.api_pods() if pod.serving]

    def redis_pods(self) -> list[Pod]:
        """Redis's pods, those that are being stopped too."""
        return self._pods("redis")

    def autoscaler(self) -> Autoscaler:
        """The autoscaler of the API, found by what it scales: its name is the chart's or KEDA's."""
        listed = _json(self.autoscaling.list_namespaced_horizontal_pod_autoscaler, self.namespace)
        for hpa in listed["items"]:
            if scales(hpa, self.deployment):
                return read_autoscaler(hpa)
        raise ClusterError(
            f"no HorizontalPodAutoscaler in namespace {self.namespace} scales Deployment {self.deployment}: "
            "set autoscaling.engine to keda or hpa, as chart/values-kind.yaml does"
        )

    def events(self, since_s: float = 0) -> list[Event]:
        """The namespace's events since this Unix time, oldest first."""
        listed = _json(self.core.list_namespaced_event, self.namespace)
        events = map(read_event, listed["items"])
        return sorted((event for event in events if event.at_s >= since_s), key=lambda event: event.at_s)

    def _read(self) -> Any:  # noqa: ANN401 - JSON
        labels = selector(self.name)
        listed = _json(self.apps.list_namespaced_deployment, self.namespace, label_selector=labels)
        return choose(listed["items"], self.namespace, self.name, self._chosen)

    def _pods(self, component: str) -> list[Pod]:
        labels = self.selector(component)
        listed = _json(self.core.list_namespaced_pod, self.namespace, label_selector=labels)
        return [read_pod(pod) for pod in listed["items"]]


def _json(call: Any, *arguments: str, **options: Any) -> Any:  # noqa: ANN401 - the client has no types
    """Read what the API server says as it says it: the client's own objects cost 5 ms a pod."""
    try:
        response = call(*arguments, **options, _preload_content=False, _request_timeout=CALL_TIMEOUT_SECONDS)
        return json.loads(response.data)
    except (ApiException, HTTPError, ValueError) as error:
        raise no_answer(error) from error
