from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from k8s.client.autoscaler import read_autoscaler, read_conditions, scales
from k8s.client.deployment import choose, selector
from k8s.client.errors import NoAnswerError
from k8s.client.pod import read_pod
from loadtests.watch.api_server import ApiServer
from loadtests.watch.snapshot import Fleet


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
        if name and scales(scaler, deployment):
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
    scaler = next((read_autoscaler(each) for each in scalers["items"] if scales(each, name)), None)
    told = deployment["spec"]["replicas"]
    if scaler and scaled:
        # In a fallback KEDA gives a made-up value that looks like one measured.
        fallback = {kind: each for kind, each in read_conditions(scaled["status"]).items() if kind == "Fallback"}
        scaler = replace(scaler, conditions={**scaler.conditions, **fallback})
    return Fleet(
        deployment=name,
        wanted=scaler.wants(told) if scaler else told,
        ready=deployment["status"].get("readyReplicas", 0),
        pods=tuple(sorted(map(read_pod, pods["items"]), key=lambda pod: pod.created_at_s)),
        autoscaler=scaler,
    )
