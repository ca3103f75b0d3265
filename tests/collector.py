"""What receives traces by OTLP over HTTP and keeps them; a collector's real one is not to be had as a package."""

import gzip
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.http_server import Quiet

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"}
NOT_SAMPLED = {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-00"}


class Collector(ThreadingHTTPServer):
    """Listens on loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.spans: list[Span] = []
        self.senders: list[dict[str, str]] = []
        """What each process that sent some says of itself."""

    @property
    def url(self) -> str:
        """For `OTEL_ENDPOINT`."""
        return f"http://127.0.0.1:{self.server_port}"


class _Receiver(Quiet, BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            if (sender := attributes(part.resource)) not in self.server.senders:
                self.server.senders.append(sender)
            for scope in part.scope_spans:
                self.server.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()


def attributes(of: Span | Resource) -> dict[str, str]:
    """The attributes that are texts."""
    found: Iterable[KeyValue] = of.attributes
    return {attribute.key: attribute.value.string_value for attribute in found}
