import asyncio
import gc
import json
import logging as standard
import socket
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import uvloop
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from service.fleet.observability import logging
from service.fleet.observability.logging import JsonFormatter


def _format(message: str, *arguments: object, **extra: object) -> dict[str, Any]:
    record = standard.getLogger("a").makeRecord("a", standard.INFO, __file__, 1, message, arguments, None, extra=extra)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    content: dict[str, Any] = json.loads(line)
    return content


def test_a_record_is_one_object() -> None:
    """Time (RFC 3339), level, logger, message and what `extra` adds."""
    content = _format("%d of %d\nlines", 1, 2, status=200, when=datetime)
    assert datetime.fromisoformat(content.pop("time")).tzinfo is not None
    assert content == {
        "level": "INFO",
        "logger": "a",
        "message": "1 of 2\nlines",
        "status": 200,
        "when": "<class 'datetime.datetime'>",
    }


def test_a_record_has_the_ids_of_its_request() -> None:
    """The request's id, and the trace's and the span's where there is a span."""
    token = logging.request_id.set("request-1")
    span = NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1)))
    with trace.use_span(span):
        content = _format("x")
    logging.request_id.reset(token)
    assert content["request_id"] == "request-1"
    assert content["trace_id"] == f"{0xABC:032x}"
    assert content["span_id"] == f"{0xDEF:016x}"


def test_an_id_given_with_the_record_wins() -> None:
    """Who logs outside the request's context names the request itself."""
    token = logging.request_id.set("request-1")
    content = _format("x", request_id="request-2")
    logging.request_id.reset(token)
    assert content["request_id"] == "request-2"


def test_an_exception_stays_on_its_line() -> None:
    """The traceback is a field."""
    try:
        1 / 0  # noqa: B018 - for its exception
    except ZeroDivisionError:
        record = standard.getLogger("a").makeRecord("a", standard.ERROR, __file__, 1, "x", (), sys.exc_info())
    assert "ZeroDivisionError" in json.loads(JsonFormatter().format(record))["exception"]


@pytest.fixture
def _root() -> Iterator[None]:
    root = standard.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.usefixtures("_root")
def test_every_logger_writes_json_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """From the level on that was set, whoever's logger it is."""
    logging.configure("WARNING")
    standard.getLogger("somebody.else").info("quiet")
    standard.getLogger("somebody.else").warning("loud")
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["message"] == "loud"


@pytest.mark.usefixtures("_root")
def test_a_name_that_is_asked_for_in_vain_is_no_error_once_nobody_waits(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has given up says so; other errors that nobody was told of are logged."""

    async def give_up() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.create_connection(asyncio.Protocol, "localhost", "no-such-service"), 0.0001)  # type: ignore[call-overload]
        with pytest.raises(socket.gaierror):  # behind the other in the same queue
            await loop.getaddrinfo("localhost", "no-such-service")
        gc.collect()
        loop.create_future().set_exception(ZeroDivisionError())
        gc.collect()

    logging.configure("INFO")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(give_up())
    [line] = capsys.readouterr().out.splitlines()
    assert "ZeroDivisionError" in json.loads(line)["message"]
