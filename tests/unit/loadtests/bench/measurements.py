from loadtests.bench.wrk import Measurement


def at(rate: float, p99_ms: float = 5.0) -> Measurement:
    """One second's turn at `rate` requests a second."""
    return Measurement(round(rate), 1.0, 1.0, p99_ms, 0)
