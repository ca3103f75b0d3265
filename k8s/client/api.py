import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from kubernetes import client, config
from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError, MaxRetryError

from k8s.client.errors import NO_CLUSTER, ClusterError, NoAnswerError

CALL_TIMEOUT_SECONDS = 5
# Of an answer that is no JSON.
SHOWN_CHARACTERS = 300


def connect(context: str, *, retries: int | None = None) -> Any:  # noqa: ANN401 - the client has no types
    """Make a client of the cluster in this context of the kubeconfig; `retries`: other than urllib3 makes by itself.

    Raises:
        ClusterError: there is no such context.
    """
    configuration = client.Configuration()
    if retries is not None:
        configuration.retries = retries
    try:
        config.load_kube_config(context=context, client_configuration=configuration)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise ClusterError(f"no cluster: {error}. {NO_CLUSTER}") from error
    return client.ApiClient(configuration)


def get(
    api: Any,  # noqa: ANN401 - likewise
    path: str,
    parameters: Mapping[str, str] | None = None,
    *,
    timeout_seconds: float | None = None,
    accept: str = "application/json",
) -> Any:  # noqa: ANN401 - JSON
    """Read what the API server says as it says it: the client's own objects cost 5 ms a pod.

    Raises:
        NoAnswerError: it does not answer, or not with JSON and status 200.
    """
    request = api.param_serialize(
        "GET",
        path,
        header_params={"Accept": accept},
        query_params=list((parameters or {}).items()),
        auth_settings=["BearerToken"],
    )
    return _answer(api, request, timeout_seconds or CALL_TIMEOUT_SECONDS)


def patch(api: Any, path: str, change: Mapping[str, Any], manager: str) -> None:  # noqa: ANN401 - likewise
    """Change an object by a JSON merge patch, in the name of `manager`.

    Raises:
        NoAnswerError: the API server does not answer, or refuses it.
    """
    _send(api, "PATCH", path, change, "application/merge-patch+json", [("fieldManager", manager)])


def create(api: Any, path: str, made: Mapping[str, Any]) -> None:  # noqa: ANN401 - likewise
    """Make an object, or what the API server takes as one, such as the eviction of a pod.

    Raises:
        NoAnswerError: the API server does not answer, or refuses it.
    """
    _send(api, "POST", path, made)


def delete(api: Any, path: str, *, grace_seconds: int | None = None) -> None:  # noqa: ANN401 - likewise
    """Delete an object; None: with the grace that it has itself.

    Raises:
        NoAnswerError: the API server does not answer, or refuses it.
    """
    _send(api, "DELETE", path, {} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds})


def proxy(place: str, kind: str = "services") -> str:
    """Path at which the API server passes requests on to a Service (namespace/name:port), or of `kind` to a pod."""
    namespace, _, name = place.partition("/")
    return f"/api/v1/namespaces/{namespace}/{kind}/{name}/proxy"


def parsed(status: int, body: bytes) -> Any:  # noqa: ANN401 - JSON
    """Read an answer.

    Raises:
        NoAnswerError: its status is none of success, or it is no JSON.
    """
    try:
        answer = json.loads(body)
    except ValueError:
        answer = body.decode(errors="replace").strip()[:SHOWN_CHARACTERS]
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES and not isinstance(answer, str):
        return answer
    said = answer.get("message") or answer.get("error") if isinstance(answer, dict) else None
    raise NoAnswerError(status, said or str(answer))


def _send(  # noqa: PLR0913, PLR0917 - as HTTP has them
    api: Any,  # noqa: ANN401 - likewise
    method: str,
    path: str,
    body: Mapping[str, Any],
    media_type: str = "application/json",
    query: Sequence[tuple[str, str]] = (),
) -> None:
    headers = {"Accept": "application/json", "Content-Type": media_type}
    request = api.param_serialize(
        method, path, header_params=headers, query_params=list(query), body=body, auth_settings=["BearerToken"]
    )
    _answer(api, request, CALL_TIMEOUT_SECONDS)


def _answer(api: Any, request: Any, timeout_seconds: float) -> Any:  # noqa: ANN401 - JSON, and likewise
    """Send what the client has put together, and read what is answered."""
    try:
        response = api.call_api(*request, _request_timeout=timeout_seconds)
        body = response.read()
    except ApiException as error:
        raise NoAnswerError(error.status or 0, error.reason or "") from error
    except HTTPError as error:
        raise NoAnswerError(0, _short(error)) from error
    return parsed(response.status, body)


def _short(error: Exception) -> str:
    """Say the reason without the address and the object that urllib3 puts around it."""
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    return str(reason).rpartition(": ")[2] or type(reason).__name__
