"""An assessment as a run finds it, in which all targets are met; tests change what they are about."""

from dataclasses import replace
from typing import Any

from loadtests.assess.assessment import Assessment
from loadtests.assess.availability import Availability
from loadtests.assess.caches import Caches
from loadtests.assess.latency import Latency
from loadtests.assess.limiter import Limiter
from loadtests.assess.limiting import Limit
from loadtests.assess.looks import Looks
from loadtests.assess.parts import INGRESS, REDIS, SERVICE
from loadtests.assess.response import Response
from loadtests.assess.scaling import reactions
from loadtests.assess.spread import spread
from loadtests.assess.throughput import Step, Throughput
from loadtests.assess.usage import GENERATOR, REST, Usage
from loadtests.assess.writes import Writes
from loadtests.measure import Generator
from loadtests.ramp import Ramp
from loadtests.timeline import Sample

FACTS: dict[str, Any] = {
    "measured_at": "2026-11-25T01:00:00+00:00",
    "base_url": "http://localhost:8080",
    "revision": "0000000",
    "service": {"version": "0.1.0", "revision": "0000000"},
    "machine": {
        "cpu": "a CPU <of 2>",
        "cores": 2,
        "memory_mib": 24000,
        "kernel": "6.1",
        "load_average_1m": 0.1,
        "python": "3.11",
        "k6": "v1.1.0",
        "scipy": "1.17",
    },
    "cluster": {"context": "kind-users-api", "kubernetes": "v1.36.3", "nodes": [{"name": "one", "cores": "2"}]},
    "release": {
        "namespace": "users-api",
        "name": "users-api",
        "chart": "users-api-0.1.0",
        "images": ["localhost/users-api:dev"],
        "replicas": 2,
        "autoscaler": {"minimum": 2, "maximum": 8},
    },
}
FAST = Latency(requests=1000, failed=0, mean_ms=3.1, p50_ms=2.5, p95_ms=8.25, p99_ms=20.0)


def usage(busy: float = 1.5, **parts: float) -> Usage:
    """CPU use of two cores, shared out as an ordinary run does."""
    cores = {SERVICE: 0.4, INGRESS: 0.5, REDIS: 0.02, GENERATOR: 0.3, REST: 0.1} | parts
    return Usage(
        seconds=60, host_cores=2, host_busy=busy, parts=cores, busiest_pod={SERVICE: 0.1, REDIS: 0.02}, source="/proc"
    )


def step(rate: int, *, held: bool = True, seconds: float = 10, by: Generator = Generator.STEADY) -> Step:
    """A step of the search."""
    if held:
        return Step(rate, seconds, rate, FAST, 0, {}, usage(), generator=by)
    slow = replace(FAST, p95_ms=120.0, p99_ms=400.0)
    limit = Limit("CPU of this machine", "2 of 2 cores busy")
    return Step(rate, seconds, 0.9 * rate, slow, 12, {}, usage(2.0), limit, generator=by)


def samples() -> list[Sample]:
    """A ramp's record: the load rises at 15 s, ends at 60 s, and the replicas go from 2 to 7 and back."""
    record = []
    for second in range(100):
        desired = 2 if second < 25 or second >= 90 else 7
        ready = 2 if second < 30 or second >= 90 else 4 if second < 40 else 7
        p95 = 5.0 if second <= 60 else None
        record.append(Sample(second, desired, ready, rps=200.0, cpu_percent=None, p95_ms=p95, failed_total=0))
    return record


def assessment() -> Assessment:
    """All phases, all targets met."""
    hold, by_k6 = step(1000, seconds=60), step(900, seconds=60, by=Generator.K6)
    return Assessment(
        facts=FACTS,
        response=Response(FAST, FAST, 20, (1.0, 2.0, 8.25), (2.0, 3.0, 9.0)),
        writes=Writes(
            FAST,
            FAST,
            replace(FAST, requests=2000),
            {},
            Looks(400, 0, 0, 0.0, 0.1),
            Looks(2400, 0, 7, 0.3, 1.4),
            by_another_client=True,
            left=(),
        ),
        throughput=Throughput(
            [step(500), step(1000), step(2000, held=False)],
            hold,
            by_k6,
            [hold, step(1000, held=False, seconds=60, by=Generator.K6), by_k6],
            [(second, 1000, 20.0 + second % 3) for second in range(60)],
            {"L1": 55000, "L2": 4000, "MISS": 1000},
            8,
            1_000_000.0,
        ),
        availability=Availability(4000, 0, {}, 20.0, 3.0, "users-api-a", [(0, 50, 0), (1, 50, 0)], 0.2, 0.8),
        spread=spread(
            {"users-api-a": 100, "users-api-b": 104, "users-api-c": 96}, {"users-api-a", "users-api-b", "users-api-c"}
        ),
        scaling=reactions(samples(), Ramp(210, minimum=2, replicas=6)),
        caches=Caches({"L1": 55000, "L2": 4000, "MISS": 1000}, {"l1": 54990.0}),
        limiter=Limiter(600, 10, 2, 2400, 1201, 1199, (600, 601), 3, [0.1, 0.2, 10.1]),
        seconds=480,
    )
