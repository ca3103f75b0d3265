import math

from service.database.replicas import REMEMBERED_SECONDS, Positions


def test_a_replica_must_have_what_the_primary_had_a_second_ago() -> None:
    """The oldest sample within the bound counts: what was there before it was asked for."""
    positions = Positions(1.0)
    assert positions.required(0.0) is None
    for asked_at, position in ((0.0, 100), (0.5, 200), (1.0, 300), (1.5, 400)):
        positions.add(asked_at, position)
    assert positions.required(1.5) == 200
    assert positions.required(1.6) == 300


def test_silence_of_the_primary_proves_nothing() -> None:
    """What it said more than a second ago tells of no replica that it is recent."""
    positions = Positions(1.0)
    positions.add(0.0, 100)
    assert positions.required(1.0) == 100
    assert positions.required(1.1) is None
    assert math.isnan(positions.staleness_seconds(100, 1.1))


def test_staleness_is_the_age_of_what_was_replayed() -> None:
    """Of the latest position that it has reached; where it has reached none that is remembered, of the first."""
    positions = Positions(1.0)
    for second in range(5):
        positions.add(float(second), 100 * second)
    assert positions.staleness_seconds(400, 4.0) == 0.0
    assert positions.staleness_seconds(250, 4.0) == 2.0
    assert positions.staleness_seconds(-1, 4.0) == 4.0


def test_positions_are_remembered_for_a_while() -> None:
    """So that memory stays bounded."""
    positions = Positions(1.0)
    for second in range(200):
        positions.add(float(second), second)
    assert len(positions._samples) == REMEMBERED_SECONDS + 1


def test_another_primary_begins_anew() -> None:
    """One whose log is shorter than the former's lacks its end, which nobody needs to have replayed."""
    positions = Positions(1.0)
    positions.add(0.0, 500)
    positions.add(0.2, 400)
    assert positions.required(0.2) == 400
