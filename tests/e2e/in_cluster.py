from http import HTTPStatus
from typing import Any

from kubernetes import client

from k8s.client.api import get, proxy
from k8s.client.errors import NoAnswerError
from k8s.client.release import Release


def get_json(api: client.ApiClient, service: str, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
    """Ask a Service (namespace/name:port) through the API server; None: it does not know, or is not there yet."""
    return _get(api, "services", service, path, query)


def get_json_from_pod(api: client.ApiClient, pod: str, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
    """Likewise of a pod (namespace/name:port)."""
    return _get(api, "pods", pod, path, query)


def redis_in_use(release: Release) -> list[bool]:
    """Whether the circuit breaker lets calls to Redis through, of each of the release's replicas that answers."""
    # Asked by this process: a kubectl for each took a core while it was measured.
    told = [
        get_json_from_pod(release.core.api_client, f"{release.namespace}/{pod.name}:8000", "/readyz", verbose="")
        for pod in release.api_pods()
        if not pod.stopping
    ]
    return [bool(each and each["checks"]["redis"]["available"]) for each in told]


def _get(api: client.ApiClient, kind: str, place: str, path: str, query: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    try:
        return get(api, proxy(place, kind) + path, query)
    except NoAnswerError as error:
        if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE}:
            return None
        raise
