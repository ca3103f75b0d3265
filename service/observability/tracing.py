from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from starlette.types import Scope

from service import NAME, __version__
from service.settings import Settings

UNTRACED_PATHS = frozenset({"/livez", "/readyz", "/metrics", "/gateway-health"})
# All that a collector that is away may add to the time that a process takes to end: 10 s is the exporter's default.
EXPORT_TIMEOUT_SECONDS = 3
OFF = TelemetryConfig(tracing=False, metrics=False, logs=False)


class Tracing:
    """Spans of requests (by FastAPI) and of Redis calls (by OpenTelemetry's instrumentation), sent by OTLP over HTTP.

    FastAPI makes one span a request, and none for each message sent, as an ASGI instrumentation does; those of its
    inner steps are turned off. The SDK takes 0.2 s to import, so it is imported here and only when tracing is on.
    """

    def __init__(self, settings: Settings) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.instrumentation.redis import RedisInstrumentor  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415

        resource = Resource.create(
            {
                "service.name": NAME,
                "service.version": __version__,
                "service.instance.id": settings.server_id,
                "deployment.environment.name": settings.environment,
            }
        )
        sampler = ParentBased(TraceIdRatioBased(settings.otel_sample_ratio))
        self.provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        endpoint = str(settings.otel_endpoint).rstrip("/") + "/v1/traces"
        exporter = OTLPSpanExporter(endpoint, timeout=EXPORT_TIMEOUT_SECONDS)
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._redis = RedisInstrumentor()
        self._redis.instrument(tracer_provider=self.provider)

    @property
    def fastapi(self) -> TelemetryConfig:
        """What FastAPI needs to make its spans here."""
        return TelemetryConfig(
            tracer_provider=self.provider,
            tracing=True,
            metrics=False,
            logs=False,
            operation_spans=False,
            auto_configure=False,
            exclude=_is_untraced,
        )

    def close(self) -> None:
        """Send the spans that wait, and stop; blocks for `EXPORT_TIMEOUT_SECONDS` at most."""
        self._redis.uninstrument()
        self.provider.shutdown()


def name_span(method: str, route: str) -> None:
    """Name the current span as FastAPI does where it routes a request, for answers given before that."""
    span = trace.get_current_span()
    span.update_name(f"{method} {route}")
    span.set_attribute("http.route", route)


def trace_id() -> str | None:
    """Return the current trace's id, if it is sampled: only then is there something to look up."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.trace_flags.sampled else None


def _is_untraced(scope: Scope) -> bool:
    return scope["type"] != "http" or scope["path"] in UNTRACED_PATHS
