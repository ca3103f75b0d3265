import json
from http import HTTPStatus
from typing import Any

from kubernetes import client
from kubernetes.client import ApiException


def get_json(api: client.ApiClient, service: str, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
    """Ask a Service (namespace/name:port) through the API server; None: it does not know, or is not there yet."""
    return _get(api, "services", service, path, query)


def get_json_from_pod(api: client.ApiClient, pod: str, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
    """Likewise of a pod (namespace/name:port)."""
    return _get(api, "pods", pod, path, query)


def _get(api: client.ApiClient, kind: str, place: str, path: str, query: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    namespace, _, name = place.partition("/")
    request = api.param_serialize(
        "GET",
        f"/api/v1/namespaces/{namespace}/{kind}/{name}/proxy{path}",
        query_params=list(query.items()),
        auth_settings=["BearerToken"],
    )
    try:
        response: Any = api.call_api(*request, _request_timeout=5)
        return json.loads(response.read())
    except ApiException as error:
        if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE}:
            return None
        raise
