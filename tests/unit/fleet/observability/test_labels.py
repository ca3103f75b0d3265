from http import HTTPStatus

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from service.fleet.observability.metrics import METHODS
from tests.api import running
from tests.asgi import call

ROUTES = {"/api/users", "/api/users/{user_id}", "none"}
LABELLED = {"http_requests_total", "http_request_duration_seconds_count"}
STATUSES = {str(int(status)) for status in HTTPStatus}

_METHODS = st.sampled_from([*sorted(METHODS), "get", "BREW", "PROPFIND"]) | st.from_regex(r"\A[!-~]{1,12}\Z")
_SEGMENTS = st.text(max_size=8) | st.sampled_from(["api", "users", "1", "docs", "livez", "metrics", "", ".", ".."])
_PATHS = st.lists(_SEGMENTS, min_size=1, max_size=4).map(lambda segments: "/" + "/".join(segments))
_NAMES = st.sampled_from(
    [b"host", b"accept", b"origin", b"if-match", b"if-none-match", b"content-length", b"x-request-id"]
)
_HEADERS = st.lists(st.tuples(_NAMES, st.binary(max_size=20)), max_size=4)
_REQUESTS = st.lists(st.tuples(_METHODS, _PATHS, _HEADERS, st.booleans()), min_size=1, max_size=20)


def _series() -> set[tuple[str, str, str]]:
    """Handler, method and status of each series that counts or times requests."""
    return {
        (sample.labels["handler"], sample.labels["method"], sample.labels["status"])
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name in LABELLED
    }


@pytest.mark.anyio
@pytest.mark.parametrize("fast_path_enabled", [True, False])
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(requests=_REQUESTS)
async def test_whatever_is_asked_the_series_are_bounded(
    requests: list[tuple[str, str, list[tuple[bytes, bytes]], bool]], *, fast_path_enabled: bool
) -> None:
    """Labels are a route's template or `none`, a known method or `other`, and a real status."""
    token = [(b"authorization", b"Bearer test-token")]
    before = _series()
    async with running(fast_path_enabled=fast_path_enabled, rate_limit_enabled=False) as app:
        for method, path, headers, has_token in requests:
            scope = {"type": "http", "method": method, "path": path, "query_string": b"", "client": ("127.0.0.1", 1)}
            sent = await call(app, {**scope, "headers": headers + token * has_token})
            assert 200 <= sent[0]["status"] < 500
    for handler, method, status in _series() - before:
        assert handler in ROUTES
        assert method in {*METHODS, "other"}
        assert status in STATUSES
