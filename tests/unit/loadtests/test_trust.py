import shutil
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from k8s.simulation.certificates import Certificate, issue
from loadtests.__main__ import main
from loadtests.assess.installation import Installation
from loadtests.errors import LoadTestError
from loadtests.target import get, require_answer
from loadtests.trust import CA_FILE, INSECURE
from tests.http_server import Quiet, serving


class _User(Quiet, BaseHTTPRequestHandler):
    """Answers every path with 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()


class _Server(HTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that does not trust is expected here."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set that says whom to trust."""
    for name in (CA_FILE, "SSL_CERT_DIR", INSECURE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def own(tmp_path: Path) -> Certificate:
    """A certificate for localhost, signed by itself."""
    return issue(tmp_path / "own")


@pytest.fixture
def port(own: Certificate) -> Iterator[int]:
    """Serve HTTPS with it on a free port of this host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    server = _Server(("127.0.0.1", 0), _User)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield server.server_port


def test_a_certificate_nobody_trusts_is_named_with_both_remedies(port: int) -> None:
    """It is not taken for a service that does not answer."""
    remedies = rf"set {CA_FILE} .*{INSECURE}=true"
    with pytest.raises(LoadTestError, match=rf"not trusted \(self.signed certificate\): {remedies}"):
        require_answer(f"https://localhost:{port}", "test-token")


@pytest.mark.parametrize("yes", ["true", "1", "T"])
def test_any_certificate_is_taken_where_k6_is_told_to(port: int, yes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check before k6 and the assessment's own requests go by k6's variable, as k6 reads it."""
    monkeypatch.setenv(INSECURE, yes)
    require_answer(f"https://localhost:{port}", "test-token")
    installation = Installation("", f"https://localhost:{port}", "test-token", "", None, None, None)  # type: ignore[arg-type]
    assert installation.get("/version")[0] == 200


def test_a_given_authority_is_trusted(port: int, own: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE, which k6 reads too, makes its certificates trusted, for the names in them alone."""
    monkeypatch.setenv(CA_FILE, str(own.certificate))
    assert get(f"https://localhost:{port}", "/", "test-token").status == 200
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))])
    with pytest.raises(LoadTestError, match=r"not trusted .*Hostname mismatch.*'elsewhere'"):
        require_answer(f"https://elsewhere:{port}", "test-token")


@pytest.mark.parametrize(("name", "value"), [(INSECURE, "yes"), (CA_FILE, "/nowhere.pem")])
def test_a_setting_that_means_nothing_is_refused(
    port: int, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told by name rather than passed over."""
    monkeypatch.setenv(name, value)
    with pytest.raises(LoadTestError, match=f"{name} is '{value}'"):
        require_answer(f"https://localhost:{port}", "test-token")


def test_a_port_without_tls_is_told_from_one_that_is_not_trusted() -> None:
    """An https:// that should be http:// says so."""
    with _Server(("127.0.0.1", 0), _User) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(LoadTestError, match="speaks no TLS: give it as http://"):
            require_answer(f"https://127.0.0.1:{server.server_port}", "test-token")
        thread.join()


@pytest.mark.parametrize(
    "command", [("run", "basic"), ("timeline",), ("reaction",), ("assess",)], ids=lambda command: command[0]
)
def test_every_tool_that_loads_says_it(
    port: int,
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line on stderr, and status 1."""
    config = tmp_path / "config"
    shutil.copy(Path(__file__).with_name("kubeconfig.yaml"), config)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(config))
    monkeypatch.setenv("BASE_URL", f"https://localhost:{port}")
    options = () if command[0] == "run" else ("--context", "nowhere")
    monkeypatch.setattr(sys, "argv", ["loadtests", *command, *options, "--output", str(tmp_path)])
    assert main() == 1
    printed = capsys.readouterr().err
    assert printed.startswith(f"error: the certificate of https://localhost:{port} is not trusted")
    assert printed.count("\n") == 1
