import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from kubernetes import client

from k8s.client.api import parsed, patch, proxy
from k8s.client.errors import NO_CLUSTER, NoAnswerError
from tests.http_server import Quiet, serving


class _Patched(Quiet, BaseHTTPRequestHandler):
    """Takes patches of one object, and refuses those of others."""

    taken: ClassVar[list[tuple[str | None, str, object]]] = []

    def do_PATCH(self) -> None:
        """Note the form of the patch and its body."""
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers["content-length"]))
        self.taken.append((self.headers["content-type"], query, json.loads(body)))
        answer = b'{"message": "forbidden"}' if path == "/others" else b"{}"
        self.send_response(403 if path == "/others" else 200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def test_an_object_is_changed_by_a_merge_patch() -> None:
    """Fields that are not named stay as they are, who did it is noted, and a refusal is told."""
    with serving(HTTPServer(("127.0.0.1", 0), _Patched)) as url:
        api = client.ApiClient(client.Configuration(host=url))
        patch(api, "/mine", {"spec": {"minReplicas": None}}, "us")
        assert _Patched.taken == [("application/merge-patch+json", "fieldManager=us", {"spec": {"minReplicas": None}})]
        with pytest.raises(NoAnswerError) as refused:
            patch(api, "/others", {}, "us")
        assert refused.value.status == 403
    with pytest.raises(NoAnswerError) as gone:
        patch(client.ApiClient(client.Configuration(host=url, retries=0)), "/mine", {}, "us")
    assert gone.value.status == 0


def test_services_and_pods_are_reached_through_the_api_server() -> None:
    """A place is namespace/name:port."""
    assert proxy("monitoring/prometheus:9090") == "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"
    assert proxy("ns/a:8000", "pods") == "/api/v1/namespaces/ns/pods/a:8000/proxy"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, b'{"message": "pods is forbidden"}', "pods is forbidden"),
        (400, b'{"status": "error", "error": "parse error"}', "parse error"),
        (404, b"null", "None"),
        (404, b"[1]", "[1]"),
        (503, b" no endpoints\n", "no endpoints"),
        (200, b"<html>", "<html>"),
    ],
)
def test_what_is_no_json_or_no_success_is_no_answer(status: int, body: bytes, said: str) -> None:
    """The error has the status and what the server said, in whichever field."""
    with pytest.raises(NoAnswerError) as refused:
        parsed(status, body)
    assert (refused.value.status, refused.value.said) == (status, said)
    assert str(refused.value) == f"the cluster answers {status}: {said}"


def test_no_answer_at_all_is_told_with_what_to_do() -> None:
    """Status 0 stands for nobody there."""
    assert str(NoAnswerError(0, "refused")) == f"the cluster does not answer (refused): {NO_CLUSTER}"
