from typing import Any

from k8s.client.api import connect, get, proxy
from k8s.client.errors import ClusterError

# Long enough for a busy two-core host; short enough that leaving the view never waits long for an answer.
CALL_TIMEOUT_SECONDS = 4


class ApiServer:
    """Reads JSON from a cluster's API server, and from Prometheus through it."""

    def __init__(self, context: str, prometheus: str) -> None:
        """Take a context of the kubeconfig, and Prometheus' Service as namespace/name:port.

        Raises:
            ClusterError: the kubeconfig has no such context.
        """
        # A retry is a refresh later here; urllib3's own would write warnings across the screen.
        self._api = connect(context, retries=0)
        self._prometheus = proxy(prometheus)

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """Read one path.

        Raises:
            NoAnswerError: no answer, or a refusal.
        """
        return get(self._api, path, parameters, timeout_seconds=CALL_TIMEOUT_SECONDS)

    def query(self, promql: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series that an instant query has.

        Raises:
            ClusterError: Prometheus does not answer, or not this query.
        """
        try:
            answer = self.get(f"{self._prometheus}/api/v1/query", query=promql)
        except ClusterError as error:
            raise ClusterError(f"no answer from Prometheus: {error}. --prometheus names its Service") from error
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]
