from typing import Any

import pytest

from service.app import create_app
from service.fleet.server import granian, gunicorn, uvicorn
from service.fleet.server.config import ServerConfig
from service.fleet.server.protocol import GuardedProtocol

CONFIG = ServerConfig(
    "service.app:create_app",
    port=0,
    keep_alive_seconds=80,
    max_connections=99,
    shutdown_delay_seconds=2,
    shutdown_drain_seconds=7,
)


def test_uvicorn_keeps_what_the_settings_say() -> None:
    """Keep-alive, drain, connections and the guards; no header that tells what serves, no trust in forwarded ones."""
    options = uvicorn.options(CONFIG)
    assert options["timeout_keep_alive"] == 80
    assert options["timeout_graceful_shutdown"] == 7
    assert options["http"].max_connections == 99
    assert options["server_header"] is options["proxy_headers"] is options["access_log"] is False
    assert issubclass(options["http"], GuardedProtocol)
    assert options["http"].max_header_bytes == CONFIG.max_header_bytes
    assert options["http"].receive_timeout_seconds == CONFIG.request_receive_timeout_seconds


def test_gunicorn_runs_the_same_uvicorn() -> None:
    """Its workers have the one-process server's options, and are killed only after delay, drain and closing."""
    options = gunicorn.options(CONFIG)
    worker: Any = options["worker_class"]
    assert worker.CONFIG_KWARGS.keys() == uvicorn.options(CONFIG).keys()
    assert options["graceful_timeout"] == 2 + 7 + gunicorn.CLOSING_SECONDS


def test_gunicorn_loads_the_factory_in_the_worker() -> None:
    """What runs after the fork is `create_app`, called by uvicorn."""
    assert gunicorn._Application(CONFIG).load() is create_app


def test_granian_keeps_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle connection is kept as long as with uvicorn; `serve` itself is tested on a real process."""
    made: dict[str, Any] = {}

    class Recorder:
        """Stands in for the server, which takes over the process's signals."""

        def __init__(self, target: str, **options: object) -> None:
            made.update(options, target=target)

        def serve(self) -> None:
            """Return at once."""

    monkeypatch.setattr(granian, "Granian", Recorder)
    granian.run(CONFIG)
    assert made["target"] == "service.app:create_app"
    assert made["http1_settings"].header_read_timeout == 80_000
    assert made["http1_settings"].max_buffer_size == CONFIG.max_header_bytes
    assert made["backpressure"] == 99
