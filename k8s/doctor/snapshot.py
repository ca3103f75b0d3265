from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k8s.client.autoscaler import Autoscaler, read_autoscaler
from k8s.client.deployment import choose, selector
from k8s.client.errors import ClusterError, NoAnswerError
from k8s.client.pod import Pod, read_pod
from k8s.doctor.api import Api, with_query

Json = Mapping[str, Any]
# A new pod has a CPU figure and a scrape within this.
SETTLING_SECONDS = 60
# Kubernetes' own.
DEFAULT_SURGE = "25%"


@dataclass(frozen=True)
class Snapshot:
    """What the API servers had of a release at one time: the kit's Release asks anew, this is what was looked at."""

    namespace: str
    name: str
    deployment: str
    chart_name: str
    """Of the chart as its labels have it, which may be an umbrella's name for it."""
    pod_selector: str
    """Selects its pods by label."""
    wanted: int
    max_surge: int | str
    """Pods beside those that are wanted while a rollout lasts: a number, or a share such as 25%."""
    created: int
    """Pods that there are of it, with a rollout's surge: what the autoscaler divides a metric of all pods by."""
    pods: tuple[Pod, ...]
    listed_pods: tuple[Json, ...]
    """The same, as the API server has them."""
    hpa: Json | None
    scaled_object: Json | None
    now_s: float

    @property
    def ready(self) -> tuple[Pod, ...]:
        """Pods that serve."""
        return tuple(pod for pod in self.pods if pod.serving)

    @property
    def settled(self) -> tuple[Pod, ...]:
        """Pods whose metrics the autoscaler should see by now; all that are ready if all are new."""
        since_s = self.now_s - SETTLING_SECONDS
        return tuple(pod for pod in self.ready if (pod.ready_since_s or 0) <= since_s) or self.ready

    @property
    def autoscaler(self) -> Autoscaler | None:
        """What scales it; None: nothing does."""
        return read_autoscaler(self.hpa) if self.hpa else None

    @property
    def triggers(self) -> tuple[Json, ...]:
        """KEDA's Prometheus triggers, by name and with what they were told."""
        triggers = self.scaled_object["spec"]["triggers"] if self.scaled_object else ()
        return tuple(trigger for trigger in triggers if trigger["type"] == "prometheus")

    @property
    def pods_metrics(self) -> tuple[str, ...]:
        """Names of the Pods metrics that the HPA asks an adapter for."""
        metrics = self.hpa["spec"].get("metrics", ()) if self.hpa else ()
        return tuple(metric["pods"]["metric"]["name"] for metric in metrics if metric["type"] == "Pods")


def read(api: Api, namespace: str, name: str, now_s: float, deployment: str = "") -> Snapshot:
    """Read a release; `now_s` is the time in Unix seconds, `deployment` says which one where it has several.

    Raises:
        ClusterError: there is none by this name, or the API server does not let us look.
    """
    try:
        listed = _list(api, f"/apis/apps/v1/namespaces/{namespace}/deployments", selector(name))
        found = choose(listed, namespace, name, deployment)
        target = found["metadata"]["name"]
        api_pods = selector(name, only_of=found if deployment else None)
        pods = tuple(_list(api, f"/api/v1/namespaces/{namespace}/pods", api_pods))
        return Snapshot(
            namespace=namespace,
            name=name,
            deployment=target,
            chart_name=found["metadata"]["labels"]["app.kubernetes.io/name"],
            pod_selector=api_pods,
            wanted=found["spec"]["replicas"],
            max_surge=found["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", DEFAULT_SURGE),
            created=found.get("status", {}).get("replicas", 0),
            pods=tuple(map(read_pod, pods)),
            listed_pods=pods,
            hpa=_of(target, _list(api, f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers")),
            scaled_object=_of(target, _scaled_objects(api, namespace)),
            now_s=now_s,
        )
    except NoAnswerError as error:
        message = f"the API server does not show release {name} in namespace {namespace}: {error.said}"
        raise ClusterError(message) from error


def _list(api: Api, path: str, selector: str = "") -> list[Json]:
    items: list[Json] = api.get(with_query(path, labelSelector=selector) if selector else path)["items"]
    return items


def _scaled_objects(api: Api, namespace: str) -> list[Json]:
    try:
        return _list(api, f"/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects")
    except NoAnswerError as error:
        if error.status == 404:  # noqa: PLR2004 - KEDA is not installed
            return []
        raise


def _of(target: str, autoscalers: list[Json]) -> Json | None:
    return next((found for found in autoscalers if found["spec"]["scaleTargetRef"]["name"] == target), None)
