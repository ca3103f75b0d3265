from typing import Any

import pytest

from service import NAME, __version__
from tests.api import TOKEN, calling
from tests.collector import NOT_SAMPLED, SAMPLED, SPAN_ID, TRACE_ID, Collector, attributes
from tests.redis_process import RedisProcess

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

OPENMETRICS = {"accept": "application/openmetrics-text;version=1.0.0"}


def traced(collector: Collector, redis: RedisProcess, *, ratio: int) -> dict[str, Any]:
    """Settings of a service that sends there what of its requests is sampled."""
    return {"redis_url": redis.url, "otel_enabled": True, "otel_endpoint": collector.url, "otel_sample_ratio": ratio}


async def test_a_request_and_its_redis_calls_are_one_trace(collector: Collector, redis: RedisProcess) -> None:
    """One span a request, by its route, under the caller's; below it Redis; all flushed at the end; no key or token."""
    settings = traced(collector, redis, ratio=0)
    async with calling(**settings) as client:
        await client.get("/api/users/1", headers={**TOKEN, **SAMPLED})
    spans = {span.name: span for span in collector.spans}
    request = spans["GET /api/users/{user_id}"]
    assert request.trace_id.hex() == TRACE_ID
    assert request.parent_span_id.hex() == SPAN_ID
    assert attributes(spans["MGET"])["db.statement"] == "MGET ?"
    assert all(span.trace_id == request.trace_id for span in collector.spans)
    assert {span.parent_span_id for span in collector.spans} == {request.parent_span_id, request.span_id}
    assert not [span for span in collector.spans if "send" in span.name]
    assert "test-token" not in str(collector.spans)
    (sender,) = collector.senders
    assert (sender["service.name"], sender["service.version"]) == (NAME, __version__)


@pytest.mark.parametrize("fast_path_enabled", [True, False])
async def test_a_cached_answer_has_a_span_of_the_same_name(
    collector: Collector, redis: RedisProcess, *, fast_path_enabled: bool
) -> None:
    """Whether the routes were asked can't be seen in the trace, and its id is the latency's exemplar."""
    settings = traced(collector, redis, ratio=1)
    async with calling(**settings, fast_path_enabled=fast_path_enabled) as client:
        await client.get("/api/users/2")
        assert (await client.get("/api/users/2", headers=TOKEN)).headers["x-cache"] == "L1"
        metrics = (await client.get("/metrics", headers=OPENMETRICS)).text
        await client.get("/livez")
    requests = [span for span in collector.spans if "http.route" in attributes(span)]
    assert [span.name for span in requests] == ["GET /api/users/{user_id}"] * 2
    assert attributes(requests[1])["http.route"] == "/api/users/{user_id}"
    exemplars = [line for line in metrics.splitlines() if "http_request_duration" in line and "trace_id" in line]
    assert any(requests[1].trace_id.hex() in line for line in exemplars)


async def test_what_is_not_sampled_is_not_sent(collector: Collector, redis: RedisProcess) -> None:
    """At a ratio of zero nothing is, unless the caller says so."""
    settings = traced(collector, redis, ratio=0)
    async with calling(**settings) as client:
        await client.get("/api/users/1")
        await client.get("/api/users/1")
    assert collector.spans == []


@pytest.mark.parametrize("fast_path_enabled", [True, False])
async def test_a_caller_that_is_not_sampled_is_not_recorded(
    collector: Collector, redis: RedisProcess, *, fast_path_enabled: bool
) -> None:
    """Whatever the ratio: neither the request, nor what it asks of Redis, nor what nobody asked for; probes are not."""
    settings = traced(collector, redis, ratio=1)
    async with calling(**settings, fast_path_enabled=fast_path_enabled) as client:
        for _ in range(2):
            (await client.get("/api/users/1", headers=NOT_SAMPLED)).raise_for_status()
        (await client.get("/livez", headers=SAMPLED)).raise_for_status()
    assert collector.spans == []
