import json
import logging
import socket
import sys
import time
from contextvars import ContextVar

from opentelemetry import trace

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message, ids, and what `extra` adds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry: dict[str, object] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {key: value for key, value in vars(record).items() if key not in _PLAIN}
        if (current := request_id.get()) is not None:
            entry.setdefault("request_id", current)
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            entry["trace_id"] = trace.format_trace_id(span.trace_id)
            entry["span_id"] = trace.format_span_id(span.span_id)
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def is_news(record: logging.LogRecord) -> bool:
    """Whether nobody has heard of it otherwise.

    When who connects to a name that is not there gives up waiting, uvloop has nobody to tell of the name any more. It
    logs that as an error, several a second during an outage, which those who give up log themselves.
    """
    error = record.exc_info[1] if record.exc_info else None
    is_left = record.name == "asyncio" and record.getMessage().startswith("Future exception was never retrieved")
    return not (is_left and isinstance(error, socket.gaierror))


def configure(level: str) -> None:
    """Send every logger's records to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(is_news)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
