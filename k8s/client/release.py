from http import HTTPStatus
from typing import Any, NamedTuple

from kubernetes import client

from k8s.client.api import get
from k8s.client.autoscaler import Autoscaler, Condition, read_autoscaler, read_conditions, scales
from k8s.client.deployment import choose, is_of_chart, own_selector, selector, series_of_pods
from k8s.client.errors import ClusterError, NoAnswerError
from k8s.client.event import Event, read_event
from k8s.client.pod import Pod, read_pod
from k8s.client.waiting import wait_until


class Counts(NamedTuple):
    """How many replicas there are to be, and are."""

    minimum: int
    wanted: int
    ready: int
    left: int
    """Pods, those that are being stopped too."""


class Release:
    """A release of the chart, as the cluster shows it; each call raises ClusterError where that does not answer."""

    def __init__(self, api: Any, namespace: str, name: str, deployment: str = "") -> None:  # noqa: ANN401 - the client has no types
        """Take its namespace and name; `deployment` says which one is meant where it has several."""
        # Any: in the client's types every field of every object may be None.
        self.autoscaling: Any = client.AutoscalingV2Api(api)
        self.core: Any = client.CoreV1Api(api)
        self.api = api
        self.namespace = namespace
        self.name = name
        self._chosen = self._known = deployment

    @property
    def deployment(self) -> str:
        """Name of the API's Deployment, as the cluster last had it."""
        return self._known or str(self.read()["metadata"]["name"])

    @property
    def series(self) -> str:
        """Selects its pods' series in PromQL."""
        return series_of_pods(self.namespace, self.deployment)

    def selector(self, component: str) -> str:
        """Selects its objects of a component by label; pods of a Deployment without the chart's labels by its own."""
        chosen = self.read() if self._chosen else None
        if chosen is None or is_of_chart(chosen):
            return selector(self.name, component, only_of=chosen)
        return own_selector(chosen) if component == "api" else selector(self.name, component)

    def replicas(self) -> tuple[int, int]:
        """Replicas that the Deployment is told to have, and those that are ready."""
        deployment = self.read()
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

    def wait_for_minimum(self, seconds: float) -> int:
        """Wait until as few replicas as the autoscaler allows are wanted, ready and left; gives how many that is.

        Raises:
            NotInTimeError: there are others after so many seconds.
        """
        what = "no replicas but the autoscaler's minimum (is other load running? see `kubectl describe hpa`)"
        return wait_until(self._counts, lambda seen: len(set(seen)) == 1, seconds, what).minimum

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
        found = self.find_autoscaler()
        if found is not None:
            return found
        raise ClusterError(
            f"no HorizontalPodAutoscaler in namespace {self.namespace} scales Deployment {self.deployment}: "
            "set autoscaling.engine to keda or hpa, as chart/values-kind.yaml does"
        )

    def find_autoscaler(self) -> Autoscaler | None:
        """The same; None: nothing scales it."""
        listed = self._list("apis/autoscaling/v2", "horizontalpodautoscalers")
        return next((read_autoscaler(hpa) for hpa in listed if scales(hpa, self.deployment)), None)

    def keda_conditions(self, autoscaler: Autoscaler) -> dict[str, Condition]:
        """What KEDA says of the ScaledObject that it made an autoscaler from; empty: it made none."""
        if not autoscaler.scaled_object:
            return {}
        path = f"/apis/keda.sh/v1alpha1/namespaces/{self.namespace}/scaledobjects/{autoscaler.scaled_object}"
        try:
            return read_conditions(get(self.api, path)["status"])
        except NoAnswerError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return {}

    def events(self, since_s: float = 0) -> list[Event]:
        """The namespace's events since this Unix time, oldest first."""
        events = map(read_event, self._list("api/v1", "events"))
        return sorted((event for event in events if event.at_s >= since_s), key=lambda event: event.at_s)

    def read(self) -> Any:  # noqa: ANN401 - JSON
        """What the API server says of its Deployment."""
        found = self._list("apis/apps/v1", "deployments", labelSelector=selector(self.name))
        deployment = choose(found or self._chosen_by_name(), self.namespace, self.name, self._chosen)
        self._known = deployment["metadata"]["name"]
        return deployment

    def _chosen_by_name(self) -> list[Any]:
        """Whoever deployed it: it has no label that tells its release."""
        if not self._chosen:
            return []
        try:
            return [get(self.api, f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{self._chosen}")]
        except NoAnswerError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return []

    def _counts(self) -> Counts:
        autoscaler, (wanted, ready) = self.autoscaler(), self.replicas()
        return Counts(autoscaler.minimum, autoscaler.wants(wanted), ready, len(self.api_pods()))

    def _pods(self, component: str) -> list[Pod]:
        return [read_pod(pod) for pod in self._list("api/v1", "pods", labelSelector=self.selector(component))]

    def _list(self, group: str, kind: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        return get(self.api, f"/{group}/namespaces/{self.namespace}/{kind}", parameters)["items"]
