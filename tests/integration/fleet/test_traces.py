from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import trace

from service.fleet import Fleet, FleetSettings, cached
from tests.api import client_of
from tests.collector import NOT_SAMPLED, SAMPLED, SPAN_ID, TRACE_ID, Collector
from tests.observe import until
from tests.redis_process import PATIENT_SECONDS, RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

OPENMETRICS = {"accept": "application/openmetrics-text;version=1.0.0"}


class Shop:
    """An application of one route, which has a span of its own."""

    def __init__(self, collector: Collector, redis: RedisProcess, *, ratio: float) -> None:
        self.app = FastAPI()
        self.fleet = Fleet(
            self.app,
            FleetSettings(
                "SHOP_",
                redis_url=redis.url,
                redis_connect_timeout_seconds=PATIENT_SECONDS,
                redis_call_timeout_seconds=PATIENT_SECONDS,
                otel_enabled=True,
                otel_endpoint=collector.url,
                otel_sample_ratio=ratio,
            ),
            version="1.2.3",
        )
        self.tracer = self.fleet.tracer_provider.get_tracer("shop")
        self.seen: list[str] = []
        self.app.get("/items/{item}")(cached("item:{item}")(self._read))

    async def _read(self, item: int) -> int:
        with self.tracer.start_as_current_span("look on the shelf") as span:
            self.seen.append(trace.format_trace_id(span.get_span_context().trace_id))
        return item

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """Start it, and ask it; when it has ended, all its spans were sent."""
        async with self.app.router.lifespan_context(self.app), client_of(self.app) as client:
            await until(lambda: self.fleet.parts.cache.shared.readable)
            yield client


async def test_a_request_its_redis_calls_and_its_own_spans_are_one_trace(
    collector: Collector, redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller's, whose id is the latency's exemplar, sent under the name that the installation gives."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "corner-shop")
    shop = Shop(collector, redis, ratio=0)
    async with shop.client() as client:
        assert (await client.get("/items/7", headers=SAMPLED)).json() == 7
        metrics = (await client.get("/metrics", headers=OPENMETRICS)).text
    spans = {span.name: span for span in collector.spans}
    request = spans["GET /items/{item}"]
    assert request.parent_span_id.hex() == SPAN_ID
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE_ID}
    assert spans["look on the shelf"].parent_span_id == spans["MGET"].parent_span_id == request.span_id
    assert shop.seen == [TRACE_ID]
    assert any(TRACE_ID in line for line in metrics.splitlines() if "http_request_duration" in line)
    (sender,) = collector.senders
    assert (sender["service.name"], sender["service.version"]) == ("corner-shop", "1.2.3")


async def test_of_what_is_not_sampled_there_is_no_span(collector: Collector, redis: RedisProcess) -> None:
    """Not of the application's own either, which know the trace; nor of probes."""
    shop = Shop(collector, redis, ratio=1)
    async with shop.client() as client:
        assert (await client.get("/items/7", headers=NOT_SAMPLED)).json() == 7
        assert (await client.get("/livez", headers=SAMPLED)).status_code == 200
    assert collector.spans == []
    assert shop.seen == [TRACE_ID]


async def test_a_trace_begins_where_the_caller_has_none(collector: Collector, redis: RedisProcess) -> None:
    """As often as the ratio says."""
    for ratio in (0, 1):
        async with Shop(collector, redis, ratio=ratio).client() as client:
            await client.get("/items/7")
    (request,) = [span for span in collector.spans if not span.parent_span_id]
    assert request.name == "GET /items/{item}"


def test_without_traces_spans_of_its_own_are_none() -> None:
    """An application makes them alike, whether anybody wants them or not."""
    fleet = Fleet(FastAPI(), FleetSettings("SHOP_"))
    with fleet.tracer_provider.get_tracer("shop").start_as_current_span("look on the shelf") as span:
        assert not span.is_recording()
