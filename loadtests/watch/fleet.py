from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from k8s.client.deployment import choose, selector
from k8s.client.errors import NoAnswerError
from loadtests.watch.api_server import ApiServer
from loadtests.watch.snapshot import Autoscaler, Condition, Fleet, Pod, Target


def read_deployment(api: ApiServer, namespace: str, release: str, name: str = "") -> Any:  # noqa: ANN401 - JSON
    """Read the Deployment of a release's API; `name` says which one where there are several.

    Raises:
        ClusterError: the cluster does not answer, or has no such release.
    """
    listed = api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments", labelSelector=selector(release))
    return choose(listed["items"], namespace, release, name)


def read_fleet(api: ApiServer, deployment: Any) -> Fleet:  # noqa: ANN401 - likewise
    """Read a Deployment's pods and what scales it.

    Raises:
        ClusterError: the cluster does not answer.
    """
    namespace, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
    labels: Mapping[str, str] = deployment["spec"]["selector"]["matchLabels"]
    of_pods = ",".join(f"{name}={value}" for name, value in labels.items())
    pods = api.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector=of_pods)
    scalers = api.get(f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers")
    return fleet(deployment, pods, scalers, _read_scaled_object(api, namespace, scalers, name))


def _read_scaled_object(api: ApiServer, namespace: str, scalers: Any, deployment: str) -> Any:  # noqa: ANN401 - JSON
    """Read the ScaledObject that KEDA made the Deployment's autoscaler from; None: it is not KEDA's."""
    for scaler in scalers["items"]:
        name = scaler["metadata"].get("labels", {}).get("scaledobject.keda.sh/name")
        if name and _scales(scaler, deployment):
            try:
                return api.get(f"/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects/{name}")
            except NoAnswerError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                return None
    return None


def fleet(deployment: Any, pods: Any, scalers: Any, scaled: Any = None) -> Fleet:  # noqa: ANN401 - JSON as the API server has it
    """Put together what was read; `scaled` is KEDA's ScaledObject, if there is one."""
    name = deployment["metadata"]["name"]
    scaler = next((each for each in scalers["items"] if _scales(each, name)), None)
    wanted = deployment["spec"]["replicas"]
    if scaler and scaler["status"].get("currentReplicas"):
        wanted = scaler["status"].get("desiredReplicas", wanted)
    return Fleet(
        deployment=name,
        wanted=wanted,
        ready=deployment["status"].get("readyReplicas", 0),
        pods=tuple(sorted(map(_pod, pods["items"]), key=lambda pod: pod.created_at)),
        autoscaler=_autoscaler(scaler, scaled) if scaler else None,
    )


def unix_seconds(time: str | None) -> float | None:
    """Make a number of the API's RFC 3339 time."""
    return datetime.fromisoformat(time).timestamp() if time else None


def _scales(scaler: Any, deployment: str) -> bool:  # noqa: ANN401 - likewise
    target = scaler["spec"]["scaleTargetRef"]
    return (target["kind"], target["name"]) == ("Deployment", deployment)


def _pod(pod: Any) -> Pod:  # noqa: ANN401 - likewise
    status = pod["status"]
    containers = status.get("containerStatuses", [])
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ()))
    return Pod(
        name=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName"),
        state=_state(pod, containers, is_ready=is_ready),
        is_ready=is_ready,
        created_at=unix_seconds(pod["metadata"]["creationTimestamp"]) or 0,
        restarts=sum(each["restartCount"] for each in containers),
    )


def _state(pod: Any, containers: list[Any], *, is_ready: bool) -> str:  # noqa: ANN401 - likewise
    if "deletionTimestamp" in pod["metadata"]:
        return "Stopping"
    if is_ready:
        return "Ready"
    waiting = [each["state"]["waiting"]["reason"] for each in containers if "waiting" in each["state"]]
    if waiting and waiting[0] not in {"ContainerCreating", "PodInitializing"}:
        return str(waiting[0])
    match pod["status"]["phase"]:
        case "Pending":
            return "Starting" if "nodeName" in pod["spec"] else "No node yet"
        case "Running":
            running = all("running" in each["state"] for each in containers)
            return "Not ready" if running and all(each.get("started") for each in containers) else "Starting"
        case phase:
            return str(phase)


def _autoscaler(scaler: Any, scaled: Any) -> Autoscaler:  # noqa: ANN401 - likewise
    spec, status = scaler["spec"], scaler["status"]
    # In a fallback KEDA gives a made-up value that looks like one measured.
    fallback = [each for each in scaled["status"].get("conditions", ()) if each["type"] == "Fallback"] if scaled else []
    return Autoscaler(
        minimum=spec.get("minReplicas", 1),
        maximum=spec["maxReplicas"],
        targets=tuple(_targets(spec.get("metrics", ()), status.get("currentMetrics") or ())),
        conditions=tuple(
            Condition(each["type"], each["status"] == "True", each.get("reason", ""), each.get("message", ""))
            for each in (*status.get("conditions", ()), *fallback)
        ),
        last_scaled_at=unix_seconds(status.get("lastScaleTime")),
    )


def _targets(wanted: Any, seen: Any) -> Iterator[Target]:  # noqa: ANN401 - likewise
    current = {_identity(metric): _details(metric).get("current", {}) for metric in seen if _details(metric)}
    for metric in wanted:
        details = _details(metric)
        target, now = details["target"], current.get(_identity(metric), {})
        if "averageUtilization" in target:
            yield Target(details["name"], now.get("averageUtilization"), target["averageUtilization"], "%")
            continue
        value = "averageValue" if "averageValue" in target else "value"
        known = _number(now[value]) if value in now else None
        yield Target("request rate", known, _number(target[value]), "/s each")


def _number(quantity: str) -> float:
    return float(parse_quantity(quantity))  # type: ignore[no-untyped-call]


def _details(metric: Any) -> Any:  # noqa: ANN401 - likewise
    """Give what the metric's kind holds: `external: {...}`, `resource: {...}`."""
    kind = metric["type"]
    return metric.get(kind[:1].lower() + kind[1:]) or {}


def _identity(metric: Any) -> tuple[str, str]:  # noqa: ANN401 - likewise
    details = _details(metric)
    return metric["type"], details.get("name") or details.get("metric", {}).get("name", "")
