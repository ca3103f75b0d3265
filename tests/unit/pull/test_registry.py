import json
import socket
import sys
from pathlib import Path

import pytest

from k8s.cluster.modules import go_version
from tests.pull.registry import GROUP, Registry

# Says that it has a configuration, and then serves what a registry's first address answers.
_PROGRAM = f"""#!{sys.executable}
import http.server, json, sys
host, port = json.load(open(sys.argv[2]))["http"]["addr"].split(":")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"""


def _registry(folder: Path, program: str) -> Registry:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = probe.getsockname()[1]
    file = folder / "registry"
    file.write_text(program)
    file.chmod(0o755)
    return Registry(file, folder / "kept", port)


def test_it_serves_while_it_is_needed(tmp_path: Path) -> None:
    """What it is asked is in its log, and nobody listens afterwards."""
    registry = _registry(tmp_path, _PROGRAM)
    with registry.serving("127.0.0.1"):
        assert "GET /v2/" in registry.asked("127.0.0.1")
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", registry.port))


def test_one_that_ends_is_told_with_its_words(tmp_path: Path) -> None:
    """At once, and not when the time is over."""
    registry = _registry(tmp_path, "#!/bin/sh\necho no such setting\n")
    with pytest.raises(AssertionError, match="no such setting"), registry.serving("127.0.0.1"):
        pass


def test_all_addresses_have_one_storage(tmp_path: Path) -> None:
    """What is pushed to one is pulled from the other."""
    registry = Registry(tmp_path / "registry", tmp_path, 5000)
    one, other = (json.loads(registry.configuration(address)) for address in ("127.0.0.1", "172.17.0.1"))
    assert one["storage"] == other["storage"]
    assert other["http"] == {"addr": "172.17.0.1:5000"}


def test_its_compiler_is_the_clusters() -> None:
    """One Go for all that is compiled."""
    assert go_version(pinned_in=GROUP.pinned_in) == go_version()
