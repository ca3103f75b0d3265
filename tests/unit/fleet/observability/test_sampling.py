import logging
from collections.abc import Iterator
from unittest import mock

import pytest
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from service.fleet.observability.logging import JsonFormatter
from service.fleet.observability.sampling import SampledTelemetry, Sampling
from service.fleet.observability.trace_ids import DrawnTraceIds
from tests.api import client_of

pytestmark = pytest.mark.anyio

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"
NOT_SAMPLED = f"00-{TRACE_ID}-{SPAN_ID}-00"
RATIO = TraceIdRatioBased(0.5)


class Observed:
    """An application that tells what a call to another service would send, and what a line of its log says."""

    def __init__(self, ratio: TraceIdRatioBased) -> None:
        provider = TracerProvider(sampler=ParentBased(ratio), id_generator=DrawnTraceIds(), shutdown_on_exit=False)
        self.exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.app = FastAPI()
        self.app.middleware_stack = SampledTelemetry(
            self.app.build_middleware_stack(),
            app=self.app,
            sampling=Sampling(ratio.bound, provider.get_tracer("test")),
            telemetry=TelemetryConfig(tracer_provider=provider, metrics=False, logs=False, operation_spans=False),
        )
        self.app.get("/sent")(self._sent)
        self.app.get("/livez")(self._sent)
        self.app.get("/line")(self._line)
        self.app.get("/silent")(self._silent)

    @staticmethod
    async def _sent() -> dict[str, str]:
        headers: dict[str, str] = {}
        propagate.inject(headers)
        return headers

    @staticmethod
    async def _line() -> dict[str, str]:
        record = logging.makeLogRecord({"msg": "x"})
        return {"first": JsonFormatter().format(record), "second": JsonFormatter().format(record)}

    @staticmethod
    async def _silent() -> None:
        return None

    async def get(self, path: str, *headers: tuple[str, str]) -> dict[str, str]:
        """The answer's content."""
        async with client_of(self.app) as client:
            content: dict[str, str] = (await client.get(path, headers=list(headers))).raise_for_status().json()
            return content

    @property
    def traces(self) -> list[str]:
        """The ids of the traces of all spans that were recorded."""
        return [
            trace.format_trace_id(span.context.trace_id) for span in self.exporter.get_finished_spans() if span.context
        ]


@pytest.fixture
def never() -> Observed:
    """Begins no trace of its own."""
    return Observed(TraceIdRatioBased(0))


@pytest.fixture
def always() -> Observed:
    """Records all that nobody else decided on."""
    return Observed(TraceIdRatioBased(1))


@pytest.fixture(autouse=True)
def _no_span_of_ours() -> Iterator[None]:
    """Nothing of a request is left when it has been answered."""
    yield
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_a_sampled_caller_is_always_recorded(never: Observed) -> None:
    """Whatever our ratio is, and its trace goes on."""
    sent = await never.get("/sent", ("traceparent", f"00-{TRACE_ID}-{SPAN_ID}-01"))
    assert never.traces == [TRACE_ID]
    assert sent["traceparent"].startswith(f"00-{TRACE_ID}-")
    assert sent["traceparent"].endswith("-01")


@pytest.mark.parametrize("flags", ["00", "02", "fe"])
async def test_a_caller_that_is_not_sampled_is_not_recorded(always: Observed, flags: str) -> None:
    """Nor is it by whoever we would call: they get its trace id and state, a span id of ours, and its decision."""
    headers = [("tracestate", "a=1"), ("tracestate", "b=2")]
    sent = await always.get("/sent", ("traceparent", f"00-{TRACE_ID}-{SPAN_ID}-{flags}"), *headers)
    version, trace_id, span_id, sent_flags = sent["traceparent"].split("-")
    assert (version, trace_id) == ("00", TRACE_ID)
    assert span_id != SPAN_ID
    assert int(sent_flags, 16) % 2 == 0
    assert sent["tracestate"] == "a=1,b=2"
    assert always.traces == []


@pytest.mark.parametrize(
    "traceparent",
    [
        f"00-{'0' * 32}-{SPAN_ID}-00",
        f"00-{TRACE_ID}-{'0' * 16}-00",
        f"ff-{TRACE_ID}-{SPAN_ID}-00",
        f"{NOT_SAMPLED}-more",
        NOT_SAMPLED.upper(),
        "nonsense",
        "",
    ],
)
async def test_a_malformed_traceparent_decides_nothing(always: Observed, never: Observed, traceparent: str) -> None:
    """As the standard wants it, the trace begins here."""
    await always.get("/sent", ("traceparent", traceparent))
    await never.get("/sent", ("traceparent", traceparent))
    [trace_id] = always.traces
    assert trace_id != TRACE_ID
    assert never.traces == []


async def test_a_later_version_is_read_as_far_as_it_is_known(always: Observed, never: Observed) -> None:
    """Its flag is honoured, whatever comes behind it."""
    await always.get("/sent", ("traceparent", f"01-{TRACE_ID}-{SPAN_ID}-00-more"))
    await never.get("/sent", ("traceparent", f"01-{TRACE_ID}-{SPAN_ID}-01-more"))
    assert always.traces == []
    assert never.traces == [TRACE_ID]


async def test_a_trace_that_begins_here_is_recorded_by_its_id() -> None:
    """So that others with the same ratio decide alike; and who is called hears of an unrecorded one too."""
    observed = Observed(RATIO)
    sent = [(await observed.get("/sent"))["traceparent"].split("-") for _ in range(50)]
    by_id = [trace_id for _, trace_id, _, _ in sent if int(trace_id, 16) & RATIO.TRACE_ID_LIMIT < RATIO.bound]
    by_flag = [trace_id for _, trace_id, _, flags in sent if int(flags, 16) % 2]
    assert by_id == by_flag == observed.traces
    assert 0 < len(by_id) < len(sent)


@pytest.mark.parametrize("headers", [[], [("traceparent", NOT_SAMPLED)]])
async def test_each_log_line_of_an_unrecorded_request_has_the_same_ids(
    never: Observed, headers: list[tuple[str, str]]
) -> None:
    """Those of its caller's trace, if there is one."""
    line = await never.get("/line", *headers)
    assert line["first"] == line["second"]
    assert '"span_id": "' in line["first"]
    assert f'"trace_id": "{TRACE_ID if headers else ""}' in line["first"]


async def test_an_unrecorded_request_costs_no_span(never: Observed) -> None:
    """Nobody having asked for its ids, OpenTelemetry is not asked for them."""
    with mock.patch.object(DrawnTraceIds, "generate_span_id", return_value=1) as made:
        await never.get("/silent")
        await never.get("/silent", ("traceparent", NOT_SAMPLED))
        made.assert_not_called()
        await never.get("/sent")
        made.assert_called_once()


async def test_a_probe_is_not_traced(always: Observed) -> None:
    """Not even where its caller records it."""
    assert await always.get("/livez", ("traceparent", f"00-{TRACE_ID}-{SPAN_ID}-01")) == {}
    assert always.traces == []
