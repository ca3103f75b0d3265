import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from k8s.client.api import get, proxy
from k8s.client.errors import ClusterError, NoAnswerError


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


def all_at_once(expressions: Mapping[str, str], label: str) -> str:
    """Write one query for several expressions, of whose series each has the name of its own as `label`."""
    return " or ".join(f'label_replace({expr}, "{label}", "{name}", "", "")' for name, expr in expressions.items())


class Prometheus:
    """A Prometheus, asked through the API server, which needs no port of this host."""

    def __init__(self, api: Any, service: str) -> None:  # noqa: ANN401 - the client has no types
        """Take a client of the cluster, and Prometheus' Service as namespace/name:port."""
        self._api = api
        self._proxy = proxy(service)

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
            answer = get(self._api, self._proxy + path, parameters)
        except NoAnswerError as error:
            if error.status == HTTPStatus.BAD_REQUEST:
                raise ClusterError(f"Prometheus refuses {parameters['query']!r}: {error.said}") from error
            raise ClusterError(f"no answer from Prometheus: {error}. --prometheus names its Service") from error
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result


def _point(pair: list[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
