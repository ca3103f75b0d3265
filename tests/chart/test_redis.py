import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from service.dev import redis_server
from tests.chart.conftest import Render, find

PASSWORD = "secret of this test"


@pytest.fixture(params=["users-api"])
def username(request: pytest.FixtureRequest) -> str:
    """The user that the service logs in as."""
    return str(request.param)


@pytest.fixture
def port(render: Render, tmp_path: Path, username: str) -> Iterator[int]:
    """A real Redis server on the chart's own redis.conf and users, whose port this is."""
    files = find(render(**{"redis.flavor": "redis", "redis.exporter.enabled": "true"}), "ConfigMap", "users-api-redis")[
        "data"
    ]
    users = tmp_path / "users.acl"
    script = tmp_path / "write-acl.sh"
    script.write_text(files["write-acl.sh"])
    login = {**os.environ, "REDIS_USERNAME": username, "REDIS_PASSWORD": PASSWORD}
    subprocess.run(["sh", script, users], env=login, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    config = files["redis.conf"].replace("port 6379", f"port {number}").replace("bind * -::*", "bind 127.0.0.1")
    config = config.replace("/run/redis/users.acl", str(users)).replace("dir /data", f"dir {tmp_path}")
    (tmp_path / "redis.conf").write_text(config)
    server = subprocess.Popen([redis_server(), tmp_path / "redis.conf"], stdout=subprocess.DEVNULL)
    try:
        _wait_for(number)
        yield number
    finally:
        server.terminate()
        assert server.wait(10) == 0


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def _client(port: int, username: str) -> "redis.Redis":
    return redis.Redis(port=port, username=username, password=PASSWORD, decode_responses=True)


def test_redis_lets_nobody_in_without_a_password(port: int) -> None:
    """The default user is off, and a wrong password is refused."""
    with redis.Redis(port=port) as nobody, pytest.raises(redis.AuthenticationError):
        nobody.ping()
    with (
        redis.Redis(port=port, username="users-api", password="guess") as guess,
        pytest.raises(redis.AuthenticationError),
    ):
        guess.ping()


def test_redis_lets_the_service_do_its_work_and_no_more(port: int) -> None:
    """The service's user reads, writes, runs scripts and subscribes; it can neither wipe nor reconfigure the server."""
    with _client(port, "users-api") as client:
        assert client.set("key", "value", px=1000)
        assert client.eval("return redis.call('GET', KEYS[1])", 1, "key") == "value"
        assert client.publish("channel", "message") == 0
        assert client.info("memory")["maxmemory_policy"] == "allkeys-lru"
        for command in ("FLUSHALL", "CONFIG GET *", "SHUTDOWN NOSAVE", "ACL LIST", "KEYS *"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(command)


def test_redis_shows_the_exporter_figures_and_no_keys(port: int) -> None:
    """The exporter's user sees INFO and the configuration, but no data."""
    with _client(port, "exporter") as client:
        assert client.info("server")["redis_version"]
        assert client.config_get("maxmemory")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.get("key")


def test_redis_keeps_its_users_file_to_itself(render: Render, tmp_path: Path) -> None:
    """The users file holds a hash of the password and is readable by Redis alone."""
    script = tmp_path / "write-acl.sh"
    script.write_text(find(render(), "ConfigMap", "users-api-redis")["data"]["write-acl.sh"])
    users = tmp_path / "users.acl"
    subprocess.run(
        ["sh", script, users], env={**os.environ, "REDIS_USERNAME": "a", "REDIS_PASSWORD": PASSWORD}, check=True
    )
    assert PASSWORD not in users.read_text()
    assert users.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "username",
    ["-n", r"back\slash\n", "#hash", "$HOME", "`id`", 'quo"te', "it's", "%s", "*", "Zoë", "1234", "on"],
    indirect=True,
)
def test_redis_takes_any_other_user_name(port: int, username: str) -> None:
    """A name with characters that a shell or a file of users reads otherwise logs in and does its work."""
    with _client(port, username) as client:
        assert client.acl_whoami() == username
        assert client.set("key", "value")


@pytest.mark.parametrize("username", ["", "default", "exporter", "a b", "a\tb", "a\nb"])
def test_redis_refuses_a_user_of_a_secret_that_it_cannot_have(render: Render, tmp_path: Path, username: str) -> None:
    """A name that only the Secret knows stops the start with what to change, and writes no users."""
    script = tmp_path / "write-acl.sh"
    settings = {"redis.auth.existingSecret": "mine", "redis.exporter.enabled": "true"}
    script.write_text(find(render(**settings), "ConfigMap", "users-api-redis")["data"]["write-acl.sh"])
    login = {**os.environ, "REDIS_USERNAME": username, "REDIS_PASSWORD": PASSWORD}
    done = subprocess.run(["sh", script, tmp_path / "users"], env=login, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "change 'username' in the Secret" in done.stderr
    assert not (tmp_path / "users").exists()
