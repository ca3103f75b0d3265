import random
import re
from collections.abc import Iterable
from contextvars import ContextVar

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from opentelemetry import propagate
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    INVALID_SPAN,
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    SpanContext,
    Tracer,
    set_span_in_context,
)
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

RawHeaders = Iterable[tuple[bytes, bytes]]

UNTRACED_PATHS = frozenset({"/livez", "/readyz", "/metrics", "/gateway-health"})
# None: the request at hand is not recorded; else the id by which that was decided, or 0 where its caller decided.
drawn_trace_id: ContextVar[int | None] = ContextVar("drawn_trace_id", default=None)

# https://www.w3.org/TR/trace-context/, version 00, not recorded by the caller. All others are OpenTelemetry's to judge.
_NOT_RECORDED = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][02468ace]")
# A ratio of all traces is one of these bits' values, so that everybody who sees a trace decides alike.
_LOW_BITS = (1 << 64) - 1
[_SPAN] = set_span_in_context(INVALID_SPAN, Context())


class Sampling:
    """Decides whether a request is recorded before anything is spent on it: as its caller did, else by the trace id."""

    def __init__(self, bound: int, tracer: Tracer) -> None:
        self._bound = bound
        self.tracer = tracer
        """Makes the ids of what is not recorded."""

    def decide(self, headers: RawHeaders) -> tuple[bool, int]:
        """Return whether to record, and the id of a trace that begins here, else 0."""
        for name, value in headers:
            if name == b"traceparent":
                return _NOT_RECORDED.fullmatch(value) is None, 0
        trace_id = random.getrandbits(128)
        return trace_id & _LOW_BITS < self._bound, trace_id


class Unrecorded(NonRecordingSpan):
    """What stands for a request that is not recorded: has its ids made by OpenTelemetry if somebody asks for them.

    A log line does, and so would a call to another service, whose `traceparent` then says not to record either.
    """

    def __init__(self, tracer: Tracer, headers: RawHeaders, trace_id: int) -> None:
        self._context = INVALID_SPAN_CONTEXT  # as the base's would set it
        self._tracer = tracer
        self._headers = headers
        self._trace_id = trace_id

    def get_span_context(self) -> SpanContext:
        """Return the ids, the same each time."""
        if self._context is INVALID_SPAN_CONTEXT:
            headers = Headers(raw=list(self._headers))
            carrier = {name: headers.getlist(name) for name in propagate.get_global_textmap().fields}
            token = drawn_trace_id.set(self._trace_id)
            try:
                span = self._tracer.start_span("", propagate.extract(carrier, Context()))
            finally:
                drawn_trace_id.reset(token)
            self._context = span.get_span_context()
        return self._context


class SampledTelemetry:
    """Goes around all layers of an application: FastAPI has telemetry of those requests alone that are recorded.

    FastAPI takes its telemetry when it is made, and makes a span, its attributes and two contexts for each request
    before the sampler is asked: 35 us of CPU. So this one is another FastAPI's, which has no layers of its own. What is
    recorded goes through it, and all else past it.
    """

    def __init__(self, layers: ASGIApp, *, app: FastAPI, sampling: Sampling, telemetry: TelemetryConfig) -> None:
        self.app = layers
        self._sampling = sampling
        self._recorder = FastAPI(telemetry=telemetry, openapi_url=None)
        self._recorder.middleware_stack = _Under(layers, app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with a span where it is recorded."""
        if scope["type"] != "http" or scope["path"] in UNTRACED_PATHS:
            await self.app(scope, receive, send)
            return
        is_recorded, trace_id = self._sampling.decide(scope["headers"])
        if is_recorded:
            drawn = drawn_trace_id.set(trace_id)
            try:
                await self._recorder(scope, receive, send)
            finally:
                drawn_trace_id.reset(drawn)
            return
        token = attach(Context({_SPAN: Unrecorded(self._sampling.tracer, scope["headers"], trace_id)}))
        try:
            await self.app(scope, receive, send)
        finally:
            detach(token)


class _Under:
    """The layers under the FastAPI that records: routes find in a request the application that they are of."""

    def __init__(self, layers: ASGIApp, app: FastAPI) -> None:
        self.app = layers  # by this name FastAPI looks for others that make spans
        self._application = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self._application
        await self.app(scope, receive, send)
