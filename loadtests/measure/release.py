import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from kubernetes import client, config
from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from kubernetes.utils.quantity import parse_quantity
from urllib3.exceptions import HTTPError, MaxRetryError

from k8s.deployment import DeploymentError, choose, selector, series_of_pods
from loadtests.errors import NO_CLUSTER, LoadTestError

CALL_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Pod:
    """One pod of the API at one time."""

    name: str
    node: str
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


@dataclass(frozen=True)
class Autoscaler:
    """What the HorizontalPodAutoscaler has decided, and what it sees."""

    name: str
    minimum: int
    maximum: int
    desired: int
    current: int
    cpu_percent: int | None
    """Of the request; None: it does not know."""
    request_rate: float | None
    """Requests a second and replica; None: it does not know."""
    conditions: Mapping[str, tuple[str, str]]
    """Status and reason by type: ScalingActive, AbleToScale, ScalingLimited."""


@dataclass(frozen=True)
class Event:
    """One of the namespace's events."""

    at_s: float
    reason: str
    about: str
    """Kind/name."""
    message: str
    count: int


def no_answer(error: Exception) -> LoadTestError:
    """Say why the cluster did not answer, without the words that the client's libraries put around it."""
    if isinstance(error, ApiException) and error.status:
        return LoadTestError(f"the cluster does not answer: {error.status} {error.reason}")
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    return LoadTestError(f"the cluster does not answer ({reason}): {NO_CLUSTER}")


def connect(context: str) -> Any:  # noqa: ANN401 - the client has no types
    """Make a client of the cluster in this context of the kubeconfig.

    Raises:
        LoadTestError: there is no such context.
    """
    try:
        return config.new_client_from_config(context=context)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise LoadTestError(f"no cluster: {error}. {NO_CLUSTER}") from error


class Release:
    """A release of the chart, as the cluster shows it; each call raises LoadTestError where that does not answer."""

    def __init__(self, api: Any, namespace: str, name: str, deployment: str = "") -> None:  # noqa: ANN401 - likewise
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

    def api_pods(self) -> list[Pod]:
        """The API's pods, those that are being stopped too."""
        return self._pods("api")

    def redis_pods(self) -> list[Pod]:
        """Redis's pods, those that are being stopped too."""
        return self._pods("redis")

    def autoscaler(self) -> Autoscaler:
        """The autoscaler of the API, found by what it scales: its name is the chart's or KEDA's."""
        listed = _json(self.autoscaling.list_namespaced_horizontal_pod_autoscaler, self.namespace)
        for hpa in listed["items"]:
            target = hpa["spec"]["scaleTargetRef"]
            if target["kind"] == "Deployment" and target["name"] == self.deployment:
                return _autoscaler(hpa)
        raise LoadTestError(
            f"no HorizontalPodAutoscaler in namespace {self.namespace} scales Deployment {self.deployment}: "
            "set autoscaling.engine to keda or hpa, as chart/values-kind.yaml does"
        )

    def events(self, since_s: float = 0) -> list[Event]:
        """The namespace's events since this Unix time, oldest first."""
        listed = _json(self.core.list_namespaced_event, self.namespace)
        events = [_event(event) for event in listed["items"]]
        return sorted((event for event in events if event.at_s >= since_s), key=lambda event: event.at_s)

    def _read(self) -> Any:  # noqa: ANN401 - JSON
        labels = selector(self.name)
        listed = _json(self.apps.list_namespaced_deployment, self.namespace, label_selector=labels)
        try:
            return choose(listed["items"], self.namespace, self.name, self._chosen)
        except DeploymentError as error:
            raise LoadTestError(str(error)) from error

    def _pods(self, component: str) -> list[Pod]:
        labels = self.selector(component)
        listed = _json(self.core.list_namespaced_pod, self.namespace, label_selector=labels)
        return [_pod(pod) for pod in listed["items"]]


def _json(call: Any, *arguments: str, **options: Any) -> Any:  # noqa: ANN401 - likewise
    """Read what the API server says as it says it: the client's own objects cost 5 ms a pod."""
    try:
        response = call(*arguments, **options, _preload_content=False, _request_timeout=CALL_TIMEOUT_SECONDS)
        return json.loads(response.data)
    except (ApiException, HTTPError, ValueError) as error:
        raise no_answer(error) from error


def _pod(pod: Any) -> Pod:  # noqa: ANN401 - JSON
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
        created_at_s=_unix(pod["metadata"]["creationTimestamp"]),
        ready_since_s=_unix(ready["lastTransitionTime"]) if ready is not None and is_ready else None,
        address=status.get("podIP", ""),
        image=pod["spec"]["containers"][0]["image"],
        last_ended=ended[0] if ended else "",
    )


def _autoscaler(hpa: Any) -> Autoscaler:  # noqa: ANN401 - JSON
    spec, status = hpa["spec"], hpa.get("status", {})
    cpu: int | None = None
    rate: float | None = None
    for metric in status.get("currentMetrics") or ():
        match metric["type"]:
            case "Resource" if metric["resource"]["name"] == "cpu":
                cpu = metric["resource"]["current"].get("averageUtilization")
            case "ContainerResource" if metric["containerResource"]["name"] == "cpu":
                cpu = metric["containerResource"]["current"].get("averageUtilization")
            case "External" | "Pods":
                rate = quantity(metric[metric["type"].lower()]["current"].get("averageValue"))
    return Autoscaler(
        name=hpa["metadata"]["name"],
        minimum=spec.get("minReplicas", 1),
        maximum=spec["maxReplicas"],
        desired=status.get("desiredReplicas", 0),
        current=status.get("currentReplicas", 0),
        cpu_percent=cpu,
        request_rate=rate,
        conditions={each["type"]: (each["status"], each["reason"]) for each in status.get("conditions") or ()},
    )


def _event(event: Any) -> Event:  # noqa: ANN401 - JSON
    series = event.get("series") or {}
    metadata = event["metadata"]
    at = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return Event(
        at_s=_unix(at or metadata["creationTimestamp"]),
        reason=event.get("reason", ""),
        about=f"{event['involvedObject']['kind']}/{event['involvedObject']['name']}",
        message=event.get("message", ""),
        count=series.get("count") or event.get("count") or 1,
    )


def quantity(text: str | None) -> float | None:
    """A number as Kubernetes writes it: 1500m is 1.5, and 1k is 1000."""
    if not text:
        return None
    return float(parse_quantity(text))  # type: ignore[no-untyped-call]


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
