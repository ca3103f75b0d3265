"""Imported only where there is tracing, as OpenTelemetry's SDK takes long to import."""

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from .sampling import drawn_trace_id


class DrawnTraceIds(RandomIdGenerator):
    """Gives a trace that begins with a request the id by which it was decided whether to record it."""

    def generate_trace_id(self) -> int:
        """Return that id; a new one for what no request asked for."""
        return drawn_trace_id.get() or super().generate_trace_id()
