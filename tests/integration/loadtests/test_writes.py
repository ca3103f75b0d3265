import asyncio
from pathlib import Path

import pytest

from loadtests.assess.writer import Pace, Writer
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.integration


def test_the_service_shows_what_the_assessment_looks_for(tmp_path: Path) -> None:
    """Users are created, changed, found by themselves and in lists, and deleted, by the API as it is."""
    with ServiceProcess(tmp_path / "log", rate_limit_enabled=False) as service:
        pace = Pace(users_per_second=20, looks_at_seconds=(0.0,))
        writer = Writer(f"http://127.0.0.1:{service.port}", "test-token", "test-token", pace)
        asyncio.run(writer.write(3))
        found = writer.record
        assert [answer.status for answer in found.writes if answer.name == "create"] == [201] * 3
        assert [answer.status for answer in found.writes if answer.name == "change"] == [200] * 3
        assert [look.fresh for look in found.looks] == [True] * 3 * 2 * 4
        assert found.left == []
        assert service.get("/api/users/1001", authorization="Bearer test-token")[0] == 404
