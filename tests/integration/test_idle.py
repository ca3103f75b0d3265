import asyncio
from pathlib import Path

import pytest

from loadtests.hostile.wire import Address
from loadtests.idle import CLOSED, REFUSED, reuse_after
from service.dev import free_port
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.integration

TOKEN = "test-token"


def test_a_connection_is_reused_until_the_service_lets_go(tmp_path: Path) -> None:
    """Within its three seconds an idle connection is there for the next request; after them it is not."""
    with ServiceProcess(tmp_path / "log", keep_alive_seconds=3, rate_limit_enabled=False) as service:
        answers = asyncio.run(reuse_after(Address("127.0.0.1", service.port), TOKEN, {0.5: 10, 5: 10}))
    assert [(answer.name, answer.status, answer.error) for answer in answers] == [
        *[("idle 0.5 s", 200, "")] * 10,
        *[("idle 5 s", 0, CLOSED)] * 10,
    ]


def test_what_fails_at_once_is_no_reuse(tmp_path: Path) -> None:
    """A first request that is not answered with success counts as what came of it."""
    with ServiceProcess(tmp_path / "log") as service:
        answers = asyncio.run(reuse_after(Address("127.0.0.1", service.port), "wrong", {0.1: 1}))
    assert [answer.status for answer in answers] == [401]


def test_nobody_there_is_seen() -> None:
    """A refused connection is a failed request."""
    answers = asyncio.run(reuse_after(Address("127.0.0.1", free_port()), TOKEN, {0.1: 1}))
    assert answers.reasons() == {REFUSED: 1}
