import pytest

from loadtests.bench.wrk import Measurement, parse
from loadtests.errors import LoadTestError


def test_figures_are_read_from_among_wrks_own_text() -> None:
    """The one line of JSON is found between wrk's other lines."""
    output = (
        "Running 1s test @ http://127.0.0.1:1/\n"
        "Requests/sec:  5000.00\n"
        '{"requests":10000,"duration_seconds":2.000000,"p50_ms":1.500,"p99_ms":9.250,"failed":3}\n'
    )
    measurement = parse(output)
    assert measurement == Measurement(10_000, 2.0, 1.5, 9.25, 3)
    assert measurement.requests_per_second == 5000


def test_output_without_figures_is_an_error_that_shows_it() -> None:
    """What wrk said instead of figures is in the message."""
    with pytest.raises(LoadTestError, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:1 Connection refused\n")
