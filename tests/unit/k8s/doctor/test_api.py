import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from k8s.client.errors import ClusterError, NoAnswerError
from k8s.doctor.api import ClusterApi, Recorded, Recorder, through_api_server
from tests.http_server import Quiet, serving

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: "http://127.0.0.1:%d"}}]
contexts: [{name: here, context: {cluster: here, user: nobody}}]
users: [{name: nobody, user: {}}]
"""


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://prometheus.monitoring.svc:9090", "/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy"),
        ("http://p.m.svc.cluster.local/prefix/", "/api/v1/namespaces/m/services/http:p:80/proxy/prefix"),
        ("https://p.m.svc", "/api/v1/namespaces/m/services/https:p:443/proxy"),
        ("https://prometheus.example.com/", "https://prometheus.example.com"),
    ],
)
def test_services_are_reached_through_the_api_server(url: str, path: str) -> None:
    """The name of a Service becomes the API server's path to it, and any other URL stays."""
    assert through_api_server(url) == path


class Server(Quiet, BaseHTTPRequestHandler):
    """An API server of four paths."""

    def do_GET(self) -> None:
        """Answer."""
        answers = {
            "/version": (200, b'{"gitVersion": "v1.36.3"}'),
            "/sound": (200, b'{"items": []}'),
            "/missing": (404, b'{"message": "services \\"prometheus\\" not found"}'),
            "/page": (200, b"<html>no JSON</html>"),
        }
        status, body = answers[self.path]
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterApi]:
    """A client of it, by a kubeconfig."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    with serving(server):
        (tmp_path / "config").write_text(KUBECONFIG % server.server_port)
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config"))
        yield ClusterApi("here")


def test_answers_are_kept_and_given_again(api: ClusterApi, tmp_path: Path) -> None:
    """What an API answered or refused is recorded, and a record answers and refuses the same."""
    recorder = Recorder(api)
    assert recorder.get("/sound") == {"items": []}
    with pytest.raises(NoAnswerError, match="not found"):
        recorder.get("/missing")
    recorder.write(tmp_path / "new" / "record.json", 7.0)
    recorded = Recorded(json.loads((tmp_path / "new" / "record.json").read_text())["answers"])
    assert recorded.get("/sound") == {"items": []}
    with pytest.raises(NoAnswerError, match='"prometheus" not found') as refused:
        recorded.get("/missing")
    assert refused.value.status == 404


def test_an_answer_that_is_no_json_is_none(api: ClusterApi) -> None:
    """A page instead of JSON is no answer, and its beginning is told."""
    with pytest.raises(NoAnswerError, match="no JSON"):
        api.get("/page")


def test_a_url_that_nobody_answers_is_none(api: ClusterApi) -> None:
    """An address outside the cluster at which nothing listens is no answer, by status 0."""
    with pytest.raises(NoAnswerError) as refused:
        api.get("http://127.0.0.1:1/api")
    assert refused.value.status == 0


def test_a_context_that_is_not_there_is_an_error(api: ClusterApi) -> None:
    """A wrong context is told with the command that lists what there is."""
    del api
    with pytest.raises(ClusterError, match="kubectl config get-contexts"):
        ClusterApi("elsewhere")
