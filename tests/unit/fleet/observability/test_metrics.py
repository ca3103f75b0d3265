from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.fleet.observability.metrics import LATENCY_BUCKETS_SECONDS, RequestMetrics
from tests.api import TOKEN, calling

pytestmark = pytest.mark.anyio

OPENMETRICS = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}


def _requests(exposition: str) -> dict[tuple[str, str, str], float]:
    return {
        (sample.labels["handler"], sample.labels["method"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == "http_requests_total"
    }


@pytest.mark.parametrize("fast_path_enabled", [True, False])
async def test_requests_count_by_route_and_real_status(*, fast_path_enabled: bool) -> None:
    """Route templates, never paths; 401 is told from 404; the way around the routes counts alike."""
    async with calling(fast_path_enabled=fast_path_enabled) as client:
        before = _requests((await client.get("/metrics")).text)
        for path, token in (
            ("/api/users/1", True),
            ("/api/users/1", True),
            ("/api/users/9999", True),
            ("/api/users/1", False),
        ):
            await client.get(path, headers=TOKEN if token else {"authorization": ""})
        await client.get("/made-up")
        after = _requests((await client.get("/metrics")).text)
    counted = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    assert counted == {
        ("/api/users/{user_id}", "GET", "200"): 2,
        ("/api/users/{user_id}", "GET", "404"): 1,
        ("/api/users/{user_id}", "GET", "401"): 1,
        ("none", "GET", "404"): 1,
    }


async def test_probes_and_scrapes_do_not_count() -> None:
    """The autoscaler follows these numbers: what the platform asks is no load."""
    async with calling() as client:
        before = _requests((await client.get("/metrics")).text)
        for path in (
            "/livez",
            "/readyz",
            "/api/health",
            "/gateway-health",
            "/version",
            "/docs",
            "/openapi.json",
            "/metrics",
        ):
            assert (await client.get(path)).status_code == 200
        assert _requests((await client.get("/metrics")).text) == before


async def test_latency_has_the_promised_edges() -> None:
    """The buckets run from 5 ms to 5 s, with the objectives' 50 and 100 ms among them."""
    async with calling() as client:
        await client.get("/api/users/1")
        text = (await client.get("/metrics")).text
    edges = {
        float(sample.labels["le"])
        for family in text_string_to_metric_families(text)
        if family.name == "http_request_duration_seconds"
        for sample in family.samples
        if sample.name.endswith("_bucket")
    }
    assert edges == {*LATENCY_BUCKETS_SECONDS, float("inf")}
    assert {0.005, 0.05, 0.1, 5} <= edges


async def test_the_scraper_chooses_the_format() -> None:
    """OpenMetrics, which has exemplars, for who asks for it; else the plain text."""
    async with calling() as client:
        openmetrics = await client.get("/metrics", headers=OPENMETRICS)
        plain = await client.get("/metrics")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.text.endswith("# EOF\n")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_no_series_tells_when_another_was_created() -> None:
    """They would double the number of series."""
    async with calling() as client:
        await client.get("/api/users/1")
        assert "_created" not in (await client.get("/metrics", headers=OPENMETRICS)).text


async def test_with_workers_the_files_of_all_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry of this process alone is not shown."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    async with calling(workers=2, server="gunicorn") as client:
        assert (await client.get("/metrics")).text == ""


def test_an_untraced_request_has_no_exemplar() -> None:
    """Observing works without a span, whether tracing is on or off."""
    for is_traced in (True, False):
        metrics = RequestMetrics("/test", "GET", is_traced=is_traced)
        metrics.announce()
        metrics.observe(200, 0.1)
        metrics.observe(200, 0.1)
