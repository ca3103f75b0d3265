import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from service.credentials.api_server import ApiServer
from tests.authority import sign
from tests.http_server import Quiet, serving

NAMESPACE = "shop"
TOKEN = "token of the pod's account"


class ApiDouble:
    """A double of the Kubernetes API server, over real HTTPS: objects by kind and name, and what was asked of it.

    It does of the API what the Job relies on: 401, 404 and 409, a uid and a resourceVersion, and RFC 7396 merges.
    tests/e2e/test_credentials.py runs the same Job on a real one.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.failures: list[int] = []  # statuses of the next answers
        self.before_create: list[dict[str, Any]] = []  # what somebody else creates just before

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:  # noqa: ANN401
        """Status and body for a call."""
        self.calls.append((method, path))
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Unauthorized"}
        if self.failures:
            return self.failures.pop(0), "not JSON"
        kind, _, name = path.removeprefix(f"/api/v1/namespaces/{NAMESPACE}/").partition("/")
        if method == "POST":
            for other in self.before_create:
                self.put(kind, other)
            return self._create(kind, body)
        found = self.objects.get((kind, name))
        if found is None:
            return 404, {"message": f'{kind} "{name}" not found'}
        return self._merge(found, headers, body) if method == "PATCH" else (200, found)

    def put(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have an object, as somebody else made it."""
        metadata = {"uid": f"uid-{len(self.objects)}", "resourceVersion": "1", **body["metadata"]}
        made = {**body, "metadata": metadata}
        self.objects[kind, metadata["name"]] = made
        return made

    def _create(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        if (kind, body["metadata"]["name"]) in self.objects:
            return 409, {"message": "already exists"}
        return 201, self.put(kind, body)

    @staticmethod
    def _merge(found: dict[str, Any], headers: dict[str, str], change: dict[str, Any]) -> tuple[int, Any]:
        assert headers["Content-Type"] == "application/merge-patch+json"
        version = change["metadata"]["resourceVersion"]
        if version != found["metadata"]["resourceVersion"]:
            return 409, {"message": "the object has been modified"}
        found.setdefault("data", {}).update(change.get("data", {}))
        found["metadata"].update(change["metadata"], resourceVersion=str(int(version) + 1))
        return 200, found


@pytest.fixture
def double(tmp_path: Path) -> Iterator[tuple[ApiDouble, ApiServer]]:
    """The double, and a client of it that trusts its certificate alone."""
    api = ApiDouble()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            status, content = api.answer(self.command, self.path, dict(self.headers), body)
            text = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - as http.server calls them

    signed = sign(tmp_path)
    signed.authority.rename(tmp_path / "ca.crt")
    for name, content in {"token": TOKEN, "namespace": NAMESPACE}.items():
        (tmp_path / name).write_text(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.server)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield api, ApiServer(f"https://127.0.0.1:{server.server_port}", tmp_path, pause_seconds=0)
