import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.chart.conftest import VALUES, Manifest, template
from tests.http_server import Quiet, serving
from tests.redis_process import RedisProcess
from tests.service_process import ServiceProcess

NAMES = ("authentication", "health", "metrics", "rate-limit", "redis", "users", "version")
Outcome = dict[str, bool]


class Obliging(Quiet, BaseHTTPRequestHandler):
    """A service broken in the worst way: whatever is asked, and by whomever, it answers 200."""

    def do_GET(self) -> None:
        """Answer anything."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.fixture(scope="module")
def pods() -> dict[str, Manifest]:
    """Command and environment of each test pod that the kind values render; on a cluster one is of the database too."""
    found = {}
    for manifest in template("helm", VALUES["kind"], {"postgresql.mode": "none"}):
        if manifest["kind"] == "Pod":
            name = manifest["metadata"]["name"].removeprefix("users-api-test-")
            found[name] = manifest["spec"]["containers"][0]
    assert set(found) == set(NAMES)
    return found


def run_all(pods: dict[str, Manifest], port: int) -> Outcome:
    """Run each pod's script against a port, and tell which pass."""
    processes = {}
    for name, container in pods.items():
        environment = {**os.environ, **{entry["name"]: entry["value"] for entry in container["env"]}}
        environment |= {"BASE_URL": f"http://127.0.0.1:{port}", "TIMEOUT_SECONDS": "0"}
        script = container["command"][2]
        processes[name] = subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.DEVNULL)
    return {name: process.wait(60) == 0 for name, process in processes.items()}


def test_all_pass_on_a_sound_service(pods: dict[str, Manifest], redis: RedisProcess, tmp_path: Path) -> None:
    """Each of `helm test`'s pods passes against the real service with a real Redis."""
    with ServiceProcess(tmp_path / "log", redis_url=redis.url, server_id="users-api-1") as service:
        assert run_all(pods, service.port) == dict.fromkeys(NAMES, True)


def test_one_tells_that_redis_is_away(pods: dict[str, Manifest], tmp_path: Path) -> None:
    """Without Redis the service passes all of them but the one that asks for Redis."""
    with ServiceProcess(tmp_path / "log", server_id="users-api-1") as service:
        assert run_all(pods, service.port) == {name: name != "redis" for name in NAMES}


def test_all_fail_on_a_service_that_lets_anyone_in(pods: dict[str, Manifest]) -> None:
    """None passes against a server that answers 200 to everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Obliging)
    with serving(server):
        outcome = run_all(pods, server.server_port)
    assert outcome == dict.fromkeys(NAMES, False)


def test_all_fail_on_no_service(pods: dict[str, Manifest]) -> None:
    """None passes where nothing listens."""
    assert run_all(pods, 1) == dict.fromkeys(NAMES, False)
