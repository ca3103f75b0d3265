import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from k8s.client.api import CALL_TIMEOUT_SECONDS
from k8s.client.errors import ClusterError


@dataclass(frozen=True)
class Sample:
    """One series' value, or its values over time."""

    labels: Mapping[str, str]
    values: tuple[tuple[float, float], ...]
    """Unix seconds and the value then; one for an instant query."""

    @property
    def value(self) -> float:
        """The last."""
        return self.values[-1][1]


class Prometheus:
    """A Prometheus, asked through the API server, which needs no port of this host, or at a URL."""

    def __init__(self, service: str = "", *, api: Any = None, url: str = "") -> None:  # noqa: ANN401 - the client has no types
        """Take its Service as namespace/name:port with a client of the cluster, or its URL."""
        self._api = api
        self._url = url.rstrip("/")
        namespace, _, name = service.partition("/")
        self._path = f"/api/v1/namespaces/{namespace}/services/{name}/proxy"

    def query(self, promql: str, at_s: float | None = None) -> list[Sample]:
        """Ask for the values at one time, now if none is given.

        Raises:
            ClusterError: it does not answer, or refuses the query.
        """
        when = {} if at_s is None else {"time": f"{at_s:.3f}"}
        found = self._result("/api/v1/query", {"query": promql, **when})
        return [Sample(series["metric"], (_point(series["value"]),)) for series in found]

    def query_range(self, promql: str, from_s: float, to_s: float, step_seconds: float) -> list[Sample]:
        """Ask for the values over a time.

        Raises:
            ClusterError: it does not answer, or refuses the query.
        """
        times = {"start": f"{from_s:.3f}", "end": f"{to_s:.3f}", "step": f"{step_seconds:g}"}
        found = self._result("/api/v1/query_range", {"query": promql, **times})
        return [Sample(series["metric"], tuple(map(_point, series["values"]))) for series in found]

    def value(self, promql: str) -> float | None:
        """One number now; None: there is no series, no number, or no answer."""
        try:
            found = self.query(promql)
        except ClusterError:
            return None
        return found[0].value if found and not math.isnan(found[0].value) else None

    def _result(self, path: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        try:
            body = self._at_url(path, parameters) if self._url else self._through_api_server(path, parameters)
            answer = json.loads(body)
        except (ApiException, HTTPError, OSError, ValueError) as error:
            raise ClusterError(f"Prometheus does not answer {parameters['query']!r}: {error}") from error
        if answer["status"] != "success":
            raise ClusterError(f"Prometheus refuses {parameters['query']!r}: {answer.get('error')}")
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def _through_api_server(self, path: str, parameters: Mapping[str, str]) -> bytes:
        request = self._api.param_serialize(
            "GET", self._path + path, query_params=list(parameters.items()), auth_settings=["BearerToken"]
        )
        response = self._api.call_api(*request, _request_timeout=CALL_TIMEOUT_SECONDS)
        body: bytes = response.read()
        return body

    def _at_url(self, path: str, parameters: Mapping[str, str]) -> bytes:
        url = f"{self._url}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=CALL_TIMEOUT_SECONDS) as response:  # noqa: S310 - the caller's own URL
                body: bytes = response.read()
        except urllib.error.HTTPError as error:
            body = error.read()
        return body


def _point(pair: list[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
