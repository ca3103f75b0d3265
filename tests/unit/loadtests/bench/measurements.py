from loadtests.bench.overload import GATED, UNGATED, Overload
from loadtests.bench.wrk import Measurement

KEPT = Overload(15.0, 1200, 1200, 250.0, 499.0, 3600, 1.0, 9.9, 0)
OVERLOADS = {GATED: KEPT, UNGATED: Overload(15.0, 600, 1800, 2900.0, 3100.0, 3600, 1.0, 9.9, 0)}


def at(rate: float, p99_ms: float = 5.0) -> Measurement:
    """One second's turn at `rate` requests a second."""
    return Measurement(round(rate), 1.0, 1.0, p99_ms, 0)
