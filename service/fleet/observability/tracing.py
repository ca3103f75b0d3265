from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Self

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from starlette.types import ASGIApp

from ..settings.common import CommonSettings
from .config import TracingConfig
from .sampling import SampledTelemetry, Sampling, drawn_trace_id

if TYPE_CHECKING:
    from redis.asyncio import Redis

# All that a collector that is away may add to the time that a process takes to end: 10 s is the exporter's default.
EXPORT_TIMEOUT_SECONDS = 3
OFF = TelemetryConfig(tracing=False, metrics=False, logs=False)


class Tracing:
    """Spans of requests (by FastAPI) and of Redis calls (by OpenTelemetry's instrumentation), sent by OTLP over HTTP.

    FastAPI makes one span a request, and none for each message sent, as an ASGI instrumentation does; those of its
    inner steps are turned off. `Sampling` says for which requests: nobody else here begins a trace. The SDK takes 0.2 s
    to import, so it is imported here and only when tracing is on.
    """

    def __init__(self, config: TracingConfig) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.instrumentation.redis import RedisInstrumentor  # noqa: PLC0415
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415

        from .trace_ids import DrawnTraceIds  # noqa: PLC0415

        resource = Resource.create(
            {
                "service.name": config.name,
                "service.version": config.version,
                "service.instance.id": config.server_id,
                "deployment.environment.name": config.environment,
            }
        ).merge(OTELResourceDetector().detect())  # what an installation says in OTEL_SERVICE_NAME counts before that
        ratio = TraceIdRatioBased(config.sample_ratio)
        self.provider = TracerProvider(
            sampler=ParentBased(ratio), resource=resource, id_generator=DrawnTraceIds(), shutdown_on_exit=False
        )
        endpoint = config.endpoint.rstrip("/") + "/v1/traces"
        exporter = OTLPSpanExporter(endpoint, timeout=EXPORT_TIMEOUT_SECONDS)
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._sampling = Sampling(ratio.bound, self.provider.get_tracer("fleet.sampling"))
        self.instrument_redis: Callable[[Redis], None] = partial(
            RedisInstrumentor.instrument_client, tracer_provider=self.provider
        )

    @classmethod
    def of(cls, settings: CommonSettings, *, version: str) -> Self | None:
        """Return what the settings ask for, or None where tracing is off."""
        return cls(TracingConfig.of(settings, version=version)) if settings.otel_enabled else None

    def around(self, layers: ASGIApp, app: FastAPI) -> ASGIApp:
        """Put around all layers of `app` what makes the spans of its requests."""
        telemetry = TelemetryConfig(
            tracer_provider=self.provider,
            tracing=True,
            metrics=False,
            logs=False,
            operation_spans=False,
            auto_configure=False,
        )
        return SampledTelemetry(layers, app=app, sampling=self._sampling, telemetry=telemetry)

    def close(self) -> None:
        """Send the spans that wait, and stop; blocks for `EXPORT_TIMEOUT_SECONDS` at most."""
        self.provider.shutdown()


def name_span(method: str, route: str) -> None:
    """Name the current span, if any, as FastAPI does where it routes a request, for answers given before that."""
    if drawn_trace_id.get() is not None:
        span = trace.get_current_span()
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)


def trace_id() -> str | None:
    """Return the current trace's id, if it is sampled: only then is there something to look up."""
    if drawn_trace_id.get() is None:
        return None
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.trace_flags.sampled else None
