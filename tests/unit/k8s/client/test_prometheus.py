from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from kubernetes import client

from k8s.client.errors import ClusterError
from k8s.client.prometheus import Prometheus, Sample
from tests.http_server import Quiet, serving

VECTOR = b'{"status":"success","data":{"result":[{"metric":{"pod":"a"},"value":[1.5,"2.25"]}]}}'
MATRIX = b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2"],[2,"3"]]}]}}'
EMPTY = b'{"status":"success","data":{"result":[]}}'
NAN = b'{"status":"success","data":{"result":[{"metric":{},"value":[1,"NaN"]}]}}'
PROXY = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"


class _Api(Quiet, BaseHTTPRequestHandler):
    """Prometheus' API, and the API server's proxy to it."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        asked = (url.path.removeprefix(PROXY), query["query"][0])
        match asked:
            case "/api/v1/query", "up":
                self._send(200, VECTOR)
            case "/api/v1/query", "nothing":
                self._send(200, EMPTY)
            case "/api/v1/query", "0/0":
                self._send(200, NAN)
            case "/api/v1/query_range", "up" if (query["start"], query["end"], query["step"]) == (
                ["1.000"],
                ["2.000"],
                ["1"],
            ):
                self._send(200, MATRIX)
            case _:
                self._send(400, b'{"status":"error","error":"parse error"}')

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def url() -> Iterator[str]:
    """Serve on a free port of this host."""
    with serving(HTTPServer(("127.0.0.1", 0), _Api)) as url:
        yield url


def _through(url: str) -> Prometheus:
    return Prometheus(client.ApiClient(client.Configuration(host=url)), "monitoring/prometheus:9090")


@pytest.fixture
def prometheus(url: str) -> Prometheus:
    """Ask it through the API server."""
    return _through(url)


def test_values_come_with_their_labels_and_times(prometheus: Prometheus) -> None:
    """An instant query has one value for each series, a range query one for each step."""
    assert prometheus.query("up") == [Sample({"pod": "a"}, ((1.5, 2.25),))]
    assert prometheus.query_range("up", 1, 2, 1) == [Sample({}, ((1, 2), (2, 3)))]
    assert prometheus.query_range("up", 1, 2, 1)[0].value == 3


@pytest.mark.parametrize(("query", "value"), [("up", 2.25), ("nothing", None), ("0/0", None), ("up(", None)])
def test_a_value_is_a_number_or_none(prometheus: Prometheus, query: str, value: float | None) -> None:
    """Without a series, with a division by zero, and with an error there is no number."""
    assert prometheus.value(query) == value


def test_a_query_that_is_refused_is_named(prometheus: Prometheus) -> None:
    """The error has the query, and what Prometheus says of it."""
    with pytest.raises(ClusterError, match=r"'up\(': parse error"):
        prometheus.query("up(")


def test_no_prometheus_is_an_error() -> None:
    """Where nobody listens the error says so."""
    with pytest.raises(ClusterError, match="does not answer"):
        _through("http://127.0.0.1:1").query("up")
