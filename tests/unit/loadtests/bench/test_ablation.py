from loadtests.bench.ablation import BASE, costs
from tests.unit.loadtests.bench.measurements import at


def test_cost_is_the_difference_in_time_per_request_within_each_round() -> None:
    """10,000 a second are 100 us a request and 12,500 are 80: leaving that feature out saves 20."""
    base, variant = costs({BASE: [at(10_000), at(5_000)], "without x": [at(12_500), at(5_555.5556)]})
    assert base.difference_us == 0
    assert variant.difference_us == -20.0
    assert variant.requests_per_second == 9028.0
