"""HTTP servers of a test's own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import TCPServer


class Quiet:
    """What keeps a handler of requests from logging them; to be named before `BaseHTTPRequestHandler`."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Keep quiet."""


@contextmanager
def serving(server: TCPServer) -> Iterator[str]:
    """Serve while the block runs, and close it then; gives its URL on this host."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
