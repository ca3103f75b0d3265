import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.http_server import Quiet, serving

RECORDED = Path(__file__).parent / "recorded"


class Replay:
    """An API server that gives a real one's recorded answers, or none while it is `silent`."""

    def __init__(self, moment: str) -> None:
        self._voice = threading.Event()
        self._voice.set()
        self.play(moment)
        self._url = "http://127.0.0.1:9"

    def play(self, moment: str) -> None:
        """Answer as the cluster did at this moment."""
        self.answers = self.read(moment)

    def play_database(self) -> None:
        """Have Prometheus answer as that of a release with PostgreSQL did."""
        path = next(path for path in self.answers if path.endswith("/query"))
        self.answers = {**self.answers, path: self.read("database")}

    @staticmethod
    def read(moment: str) -> dict[str, Any]:
        """Answers by path, as they were recorded."""
        answers: dict[str, Any] = json.loads((RECORDED / f"{moment}.json").read_text())
        return answers

    def fall_silent(self) -> None:
        """Take requests and answer none of them."""
        self._voice.clear()

    def speak_again(self) -> None:
        """Answer those that wait, and all others."""
        self._voice.set()

    @contextmanager
    def serving(self) -> Iterator["Replay"]:
        """Listen while the block runs."""
        with serving(ThreadingHTTPServer(("127.0.0.1", 0), self._handler())) as self._url:
            try:
                yield self
            finally:
                self._voice.set()

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig whose context `recorded` leads here, or to where nobody listens."""
        path.write_text(
            yaml.safe_dump(
                {
                    "clusters": [{"name": "recorded", "cluster": {"server": self._url}}],
                    "users": [{"name": "nobody", "user": {}}],
                    "contexts": [{"name": "recorded", "context": {"cluster": "recorded", "user": "nobody"}}],
                }
            )
        )
        return path

    def _handler(replay) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's
        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                replay._voice.wait()
                answer = replay.answers.get(self.path.partition("?")[0])
                body = json.dumps(answer).encode()
                self.send_response(200 if answer else 404)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with suppress(BrokenPipeError):  # who asked has given up
                    self.wfile.write(body)

        return Handler
