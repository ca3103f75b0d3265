import logging

import pytest
from starlette.types import Receive, Scope, Send

from service.fleet.observability.access_log import AccessLog, AccessLogMiddleware
from tests.api import TOKEN, calling
from tests.asgi import answer, call, http_scope

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.access")


def _lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "service.access"]


async def test_a_request_in_the_sample_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Method, path, status, duration and peer are fields of it."""
    await call(AccessLogMiddleware(answer, log=AccessLog(1)), http_scope("/api/users/1"))
    [line] = _lines(caplog)
    assert line.getMessage() == "GET /api/users/1 200"
    fields = vars(line)
    assert {name: fields[name] for name in ("method", "path", "status", "peer")} == {
        "method": "GET",
        "path": "/api/users/1",
        "status": 200,
        "peer": "192.0.2.1",
    }
    assert fields["duration_seconds"] >= 0


async def test_none_are_logged_at_zero(caplog: pytest.LogCaptureFixture) -> None:
    """A ratio of 0 keeps all but the service's own failures out."""
    log = AccessLog(0)
    for status in (200, 404, 499):
        log.record(http_scope(), status, 0.1)
    assert _lines(caplog) == []


async def test_failures_are_always_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A 5xx is in the log whatever the ratio; so is an exception that nobody answered yet."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    AccessLog(0).record(http_scope(), 503, 0.1)
    with pytest.raises(ZeroDivisionError):
        await call(AccessLogMiddleware(app, log=AccessLog(0)), http_scope())
    assert [vars(line)["status"] for line in _lines(caplog)] == [503, 500]


async def test_the_share_logged_is_the_ratio(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A draw below the ratio is in, one at it is out."""
    log = AccessLog(0.25)
    for draw in (0.0, 0.24, 0.25, 0.9):
        monkeypatch.setattr("random.random", lambda draw=draw: draw)
        log.record({**http_scope(), "client": None}, 200, 0.1, b"request-1")
    assert [(vars(line)["peer"], vars(line)["request_id"]) for line in _lines(caplog)] == [(None, "request-1")] * 2


@pytest.mark.parametrize("fast_path_enabled", [True, False])
async def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture, *, fast_path_enabled: bool) -> None:
    """Neither tokens nor query strings are in any record or metric, from the routes or from the caches."""
    caplog.set_level(logging.DEBUG)
    settings = {"fast_path_enabled": fast_path_enabled, "access_log_sample_ratio": 1}
    async with calling(**settings) as client:
        for token in ("test-token", "made-up-token"):
            for path in ("/api/users/1", "/api/users/1", "/api/users?after=secret-query"):
                await client.get(path, headers={**TOKEN, "authorization": f"Bearer {token}"})
        metrics = (await client.get("/metrics")).text
    logged = "\n".join(str(vars(record)) for record in caplog.records if not record.name.startswith("http"))
    assert len(_lines(caplog)) == 7
    for secret in ("test-token", "made-up-token", "secret-query"):
        assert secret not in logged
        assert secret not in metrics


async def test_the_lifespan_is_no_request(caplog: pytest.LogCaptureFixture) -> None:
    """Other protocols pass, unlogged."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        return

    await call(AccessLogMiddleware(app, log=AccessLog(1)), {"type": "lifespan"})
    assert _lines(caplog) == []
