import json
from http import HTTPStatus
from typing import Any

from kubernetes import client
from kubernetes.client import ApiException


def get_json(api: client.ApiClient, service: str, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
    """Ask a Service (namespace/name:port) through the API server; None: it does not know, or is not there yet."""
    namespace, _, name = service.partition("/")
    request = api.param_serialize(
        "GET",
        f"/api/v1/namespaces/{namespace}/services/{name}/proxy{path}",
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
