import random
from collections.abc import Callable

import pytest

from loadtests.errors import LoadTestError
from loadtests.tune.search import Effort, edge, find_capacity, spread_of

EFFORT = Effort()


def _server(capacity: float, *, noise: float = 0, spoilt: float = 0, seed: int = 1) -> Callable[[float], bool]:
    """Hold what is below a capacity that varies by so much; a share of what it could hold is spoilt by other work."""
    draw = random.Random(seed)
    return lambda rate: rate <= capacity * (1 + draw.gauss(0, noise)) and draw.random() >= spoilt


@pytest.mark.parametrize("capacity", [0.7, 20, 93, 1234.5])
@pytest.mark.parametrize("first", [1, 20, 5000])
def test_an_edge_is_found_from_either_side(capacity: float, first: float) -> None:
    """It is known to the precision, wherever the walk begins."""
    assert edge(_server(capacity), first, 2, EFFORT) == pytest.approx(capacity, rel=EFFORT.precision)


@pytest.mark.parametrize("seed", range(20))
def test_the_capacity_is_found_through_noise(seed: int) -> None:
    """A server that varies by 2 %, and a machine that spoils one step in ten, leave the capacity within 10 %."""
    found = find_capacity(_server(100, noise=0.02, spoilt=0.1, seed=seed), 20, EFFORT)
    assert found.rate == pytest.approx(100, rel=0.1)
    assert found.low <= found.rate


def test_rounds_go_on_until_they_agree() -> None:
    """Without noise the fewest rounds do, with much of it there are more, and it is said when they were not enough."""
    quiet = find_capacity(_server(100), 20, EFFORT)
    assert (len(quiet.rounds), quiet.is_enough) == (EFFORT.fewest_rounds, True)
    assert quiet.spread <= EFFORT.spread
    loud = find_capacity(_server(100, noise=0.3), 20, EFFORT)
    assert (len(loud.rounds), loud.is_enough) == (EFFORT.most_rounds, False)
    assert loud.spread > EFFORT.spread
    assert loud.low >= min(loud.rounds)


def test_one_spoilt_step_changes_nothing() -> None:
    """A rate that was not held is tried again before it counts."""
    spoilt = iter([False])
    server = _server(100)
    assert find_capacity(lambda rate: next(spoilt, True) and server(rate), 20, EFFORT).rate == pytest.approx(
        100, rel=0.04
    )


def test_a_rate_is_offered_no_oftener_than_it_must_be() -> None:
    """Three rounds from a fifth of the capacity take two dozen steps or so: each is seconds of load."""
    offered: list[float] = []
    server = _server(100)

    def held(rate: float) -> bool:
        offered.append(rate)
        return server(rate)

    find_capacity(held, 20, EFFORT)
    assert len(offered) <= 30


@pytest.mark.parametrize(("capacity", "said"), [(0, "not even"), (1e9, "no application's limit")])
def test_what_is_no_capacity_is_refused(capacity: float, said: str) -> None:
    """A target that nothing meets, or an address that answers everything, ends the search."""
    with pytest.raises(LoadTestError, match=said):
        find_capacity(_server(capacity), 20, EFFORT)


def test_the_spread_is_students() -> None:
    """Half of the 95 % interval of three figures, as a table of t has it; of one figure nothing is known."""
    assert spread_of((99, 100, 101)) == pytest.approx(4.303 / 3**0.5 / 100)
    assert spread_of((100,)) == float("inf")
