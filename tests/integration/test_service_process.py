import socket
from pathlib import Path

import pytest

from service.dev import free_port
from tests import service_process
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_a_start_that_takes_too_long_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    """A process that does not answer where it is asked is ended, with its workers, which listen elsewhere."""
    monkeypatch.setattr(service_process, "START_SECONDS", 5)
    elsewhere = free_port()
    service = ServiceProcess(tmp_path / "log", server=server, port=elsewhere)
    with pytest.raises(RuntimeError, match="did not start"), service:
        pass
    assert service.process.poll() is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", elsewhere))
