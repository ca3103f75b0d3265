from dataclasses import replace

import pytest

from loadtests.bench.footprint import Soak
from loadtests.bench.overload import GATED, UNGATED
from loadtests.bench.record import Record
from loadtests.bench.verdict import missed
from tests.unit.loadtests.bench.measurements import KEPT as KEPT_OVERLOAD
from tests.unit.loadtests.bench.measurements import OVERLOADS

KEPT = {"l1_vs_bare_fastapi": 1.5, "l1_vs_plain_stack": 5.0, "l1_vs_raw_asgi": 0.1, "l2_vs_plain_stack": 1.5}
LOOK_UPS = {
    "repository": 0.9,
    "repository_one_by_one": 0.89,
    "uncached_get": 0.25,
    "uncached_get_by_routes": 0.24,
}
RECORD = Record(
    machine={},
    results={},
    ratios={"uvicorn": KEPT},
    start_seconds=[0.4, 0.9, 1.8],
    rss_after_requests=100_000,
    rss_mib=89.9,
    costs=[],
    look_ups={},
    look_up_ratios=LOOK_UPS,
    overloads=OVERLOADS,
    soak=Soak([], 0.1),
)


def test_promises_that_are_just_kept_are_kept() -> None:
    """Figures at their bounds miss nothing, with a soak and without."""
    assert missed(RECORD) == []
    assert missed(replace(RECORD, soak=None)) == []


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (
            replace(RECORD, ratios={"uvicorn": {**KEPT, "l2_vs_plain_stack": 1.2}}),
            "l2_vs_plain_stack is 1.20, to be at least 1.5",
        ),
        (
            replace(RECORD, look_up_ratios={**LOOK_UPS, "repository": 0.8}),
            "repository is 0.80 of the bare driver, to be at least 0.9",
        ),
        (
            replace(RECORD, look_up_ratios={**LOOK_UPS, "repository_one_by_one": 0.9}),
            "repository_one_by_one is as good as repository has to be, which proves nothing of what it lacks",
        ),
        (
            replace(RECORD, overloads={**OVERLOADS, GATED: replace(KEPT_OVERLOAD, cached_p99_ms=10.0)}),
            "under twice the load: cached reads took 10.0 ms at p99, to be under 10 ms",
        ),
        (
            replace(RECORD, overloads={**OVERLOADS, UNGATED: replace(OVERLOADS[UNGATED], unsent=3)}),
            "twice the load, without a gate: all wait: 3 requests could not be sent, so it was less",
        ),
        (
            replace(RECORD, overloads={**OVERLOADS, UNGATED: KEPT_OVERLOAD}),
            "under twice the load all is well without a gate too, which proves nothing of the gate",
        ),
        (replace(RECORD, start_seconds=[1.2]), "the first answer came 1.20 s after exec, to be under 1.0 s"),
        (replace(RECORD, rss_mib=91.0), "RSS is 91.0 MiB after 100,000 requests, to be under 90.0 MiB"),
        (
            replace(RECORD, soak=Soak([], 0.2)),
            "RSS grows by 0.2 MiB/min in the soak's second half, to be 0.1 at most",
        ),
    ],
    ids=["ratio", "look-up", "its cause", "overload", "load", "gate", "start", "memory", "soak"],
)
def test_a_promise_that_is_not_kept_is_named_with_what_was_measured(record: Record, reason: str) -> None:
    """Each miss is told once, with the figure and its bound."""
    assert missed(record) == [reason]
