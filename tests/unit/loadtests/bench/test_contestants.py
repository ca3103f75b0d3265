from pathlib import Path

from loadtests.bench.contestants import contestants
from loadtests.bench.summary import RATIOS, ratios
from service.settings import Settings
from tests.unit.loadtests.bench.measurements import at

ROOT = Path(__file__).parents[4]


def test_all_that_is_compared_is_measured_on_both_servers() -> None:
    """Each ratio finds its two sides among the contestants, once for each server."""
    labels = [contestant.label for contestant in contestants()]
    assert len(set(labels)) == len(labels) == 14
    assert {name for of_server in ratios({label: [at(1)] for label in labels}).values() for name in of_server} == set(
        RATIOS
    )


def test_ten_lines_are_enough_for_an_application() -> None:
    """Rate limit, cache and drain take it no more, blank ones apart."""
    lines = (ROOT / "loadtests/bench/rivals/on_fleet.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 10


def test_the_service_is_measured_with_its_features_on() -> None:
    """Nothing but the server, addresses and the limit's height differs from the defaults, and L1 where L2 answers."""
    neutral = {"USERS_API_SERVER", "USERS_API_PORT", "USERS_API_REDIS_URL", "USERS_API_ENVIRONMENT"}
    neutral |= {"USERS_API_RATE_LIMIT_REQUESTS", "USERS_API_SHUTDOWN_DELAY_SECONDS"}
    own = {contestant.name: contestant for contestant in contestants() if contestant.name.startswith("service")}
    assert set(own["service_l1"].environment) == neutral
    assert set(own["service_l2"].environment) == neutral | {"USERS_API_CACHE_L1_BYTES"}
    assert Settings().rate_limit_enabled
    assert Settings().fast_path_enabled
