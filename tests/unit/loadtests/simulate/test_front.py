from loadtests.simulate.account import Outcome
from loadtests.simulate.front import better, front


def _outcome(pod_hours: float, over_capacity: float, turns: float = 0, error: float = 0) -> Outcome:
    return Outcome(pod_hours, 1e6, over_capacity, 0, turns, 10, over_capacity_error=error)


def test_the_front_is_what_none_beats() -> None:
    """Cheap and short, dear and safe, and what lies between them, but not what is dearer and shorter."""
    outcomes = {
        "safe": _outcome(20, 0),
        "cheap": _outcome(10, 500),
        "middle": _outcome(15, 200),
        "worse": _outcome(16, 300),
    }
    assert front(outcomes) == ["cheap", "middle", "safe"]


def test_what_is_the_same_but_for_noise_beats_nothing() -> None:
    """Less than the run's own noise in either is no difference."""
    assert front({"one": _outcome(100, 1000), "other": _outcome(102.5, 1001)}) == ["one", "other"]


def test_what_repetitions_do_not_agree_on_is_the_same() -> None:
    """Half the requests over capacity are less only if their repetitions do not differ by as much themselves."""
    assert front({"one": _outcome(10, 1000, error=300), "other": _outcome(10, 500, error=300)}) == ["one", "other"]
    assert front({"one": _outcome(10, 1000, error=100), "other": _outcome(10, 500, error=100)}) == ["other"]


def test_what_flaps_beats_nothing() -> None:
    """Fewer pod-hours by taking pods away that are wanted again are no gain; a turn or two more are nothing."""
    assert front({"calm": _outcome(11, 0, turns=4), "flaps": _outcome(10, 0, turns=15)}) == ["flaps", "calm"]
    assert front({"calm": _outcome(11, 0, turns=4), "cheap": _outcome(10, 0, turns=6)}) == ["cheap"]


def test_better_is_never_worse() -> None:
    """What wins one scenario and loses another is not better, and what is the same everywhere is not either."""
    one = {"mine": _outcome(10, 100), "wins": _outcome(10, 50), "mixed": _outcome(9, 50), "same": _outcome(10, 100)}
    two = {"mine": _outcome(20, 100), "wins": _outcome(20, 100), "mixed": _outcome(30, 100), "same": _outcome(20, 100)}
    assert better([one, two], "mine") == ["wins"]
