from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Tracer

from service.database.query import Query

_NOTHING = nullcontext()


def is_recorded(tracer: Tracer | None) -> bool:
    """Whether the request at hand is recorded, and its statements are to have spans."""
    return tracer is not None and trace.get_current_span().is_recording()


def query_span(tracer: Tracer | None, query: Query) -> AbstractContextManager[None]:
    """Return a span around one statement, if the request that needs it is recorded; what load does not pay for."""
    return _span(tracer, query) if tracer is not None and is_recorded(tracer) else _NOTHING


@contextmanager
def _span(tracer: Tracer, query: Query) -> Iterator[None]:
    # https://opentelemetry.io/docs/specs/semconv/database/postgresql/: the text has no values, as they are arguments
    attributes = {
        "db.system.name": "postgresql",
        "db.query.summary": query.name,
        "db.query.text": query.sql,
    }
    with tracer.start_as_current_span(query.name, kind=SpanKind.CLIENT, attributes=attributes):
        yield
