from loadtests.bench import summary
from loadtests.bench.wrk import Measurement
from tests.unit.loadtests.bench.measurements import at


def results_on(*servers: str) -> dict[str, list[Measurement]]:
    """Make three rounds of every contestant."""
    return {
        f"{name} on {server}": [at(rate) for rate in rates]
        for server in servers
        for name, rates in {
            "raw_asgi": (1000, 1000, 1000),
            "bare_fastapi": (200, 100, 100),
            "plain_stack": (50, 50, 50),
            "service_l1": (300, 300, 400),
            "service_l2": (60, 80, 100),
            "fleet_alone": (100, 50, 50),
            "on_fleet": (150, 50, 50),
        }.items()
    }


def test_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    """A round is compared with itself: 1.5, 3 and 4 make 3, whatever the medians of the rates are."""
    ratios = summary.ratios(results_on("uvicorn", "granian"))
    assert ratios["uvicorn"] == {
        "l1_vs_bare_fastapi": 3.0,
        "l1_vs_plain_stack": 6.0,
        "l1_vs_raw_asgi": 0.3,
        "l2_vs_plain_stack": 1.6,
        "fleet_alone_vs_bare_fastapi": 0.5,
        "on_fleet_vs_bare_fastapi": 0.5,
        "on_fleet_vs_plain_stack": 1.0,
    }
    assert ratios["granian"] == ratios["uvicorn"]


def test_rates_and_tails_are_medians() -> None:
    """One disturbed round moves neither."""
    rounds = [at(100, 4), at(10, 400), at(120, 6)]
    assert summary.median_rate(rounds) == 100
    assert summary.median_p99_ms(rounds) == 6


def test_look_ups_are_compared_with_the_first() -> None:
    """The bare driver's round is the measure of each other way's same round."""
    looked_up = {"driver": [at(100), at(50)], "way": [at(90), at(50)], "http": [at(25), at(10)]}
    assert summary.look_up_ratios(looked_up) == {"way": 0.95, "http": 0.225}
