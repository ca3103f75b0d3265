import json
from http import HTTPStatus
from typing import Any

from kubernetes import client, config
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError, MaxRetryError

from k8s.client.errors import NO_CLUSTER, ClusterError

# Long enough for a busy two-core host; short enough that leaving the view never waits long for an answer.
CALL_TIMEOUT_SECONDS = 4


class ApiServer:
    """Reads JSON from a cluster's API server, and from Prometheus through it."""

    def __init__(self, context: str, prometheus: str) -> None:
        """Take a context of the kubeconfig, and Prometheus' Service as namespace/name:port.

        Raises:
            ClusterError: the kubeconfig has no such context.
        """
        configuration = client.Configuration()
        # A retry is a refresh later here; urllib3's own would write warnings across the screen.
        configuration.retries = 0
        try:
            config.load_kube_config(context=context, client_configuration=configuration)  # type: ignore[no-untyped-call]
        except ConfigException as error:
            raise ClusterError(f"no cluster: {error}. {NO_CLUSTER}") from error
        self._api: Any = client.ApiClient(configuration)
        namespace, _, service = prometheus.partition("/")
        self._prometheus_path = f"/api/v1/namespaces/{namespace}/services/{service}/proxy"

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """Read one path.

        Raises:
            ApiMissingError: there is no such object.
            ClusterError: no answer, or a refusal.
        """
        request = self._api.param_serialize(
            "GET",
            path,
            header_params={"Accept": "application/json"},
            query_params=list(parameters.items()),
            auth_settings=["BearerToken"],
        )
        try:
            response = self._api.call_api(*request, _request_timeout=CALL_TIMEOUT_SECONDS)
            body = response.read()
            if response.status == HTTPStatus.OK:
                return json.loads(body)
        except (HTTPError, ValueError) as error:
            reason = _short(error)
            raise ClusterError(f"the cluster does not answer ({reason}): {NO_CLUSTER}") from error
        if response.status == HTTPStatus.NOT_FOUND:
            raise ApiMissingError(f"{path} does not exist")
        raise ClusterError(f"the cluster answers {response.status} {response.reason} for {path}")

    def query(self, promql: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series that an instant query has.

        Raises:
            ClusterError: Prometheus does not answer, or not this query.
        """
        try:
            answer = self.get(f"{self._prometheus_path}/api/v1/query", query=promql)
        except ClusterError as error:
            raise ClusterError(f"no answer from Prometheus: {error}. --prometheus names its Service") from error
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]


class ApiMissingError(ClusterError):
    """What was asked for does not exist."""


def _short(error: Exception) -> str:
    """Say the reason without the address and the object that urllib3 puts around it."""
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    return str(reason).rpartition(": ")[2] or type(reason).__name__
