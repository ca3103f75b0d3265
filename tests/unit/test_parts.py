import pytest

from tests.__main__ import PARTS, Part, Run

WELL, BADLY = ("true",), ("false",)


def test_a_part_waits_for_those_before_it(capfd: pytest.CaptureFixture[str]) -> None:
    """What a part says comes behind its name, and after all that the part before it said."""
    slow = Part("slow", ("sh", "-c", "echo one; sleep 0.2; echo two"))
    assert Run([slow, Part("late", ("echo", "three"), after=("slow",))]).all()
    assert capfd.readouterr().out.splitlines()[:3] == ["slow | one", "slow | two", "late | three"]


def test_what_follows_a_failure_is_not_run(capfd: pytest.CaptureFixture[str]) -> None:
    """A failed part keeps those after it from running, lets the others end, and fails the whole."""
    parts = [
        Part("bad", BADLY),
        Part("next", WELL, after=("bad",)),
        Part("last", WELL, after=("next",)),
        Part("other", WELL),
    ]
    run = Run(parts)
    assert not run.all()
    assert run.times.keys() == {"bad", "other"}
    said = capfd.readouterr().out
    assert "bad   | FAILED" in said
    assert "last  | not run" in said
    assert "other | passed" in said


def test_what_went_wrong_comes_last(capfd: pytest.CaptureFixture[str]) -> None:
    """Who sees only the end of the output learns why: pytest's words for it, or what the part said last."""
    pytest_says = Part("tests", ("sh", "-c", "echo 'E   assert 1 == 2'; echo 'FAILED tests/a.py'; echo; false"))
    make_says = Part("tool", ("sh", "-c", "echo compiling; echo no such file >&2; false"))
    assert not Run([pytest_says, make_says, Part("last", WELL)]).all()
    said = capfd.readouterr().out.splitlines()
    assert said[-5].startswith("last  | passed")
    assert said[-4:] == [
        "tests | E   assert 1 == 2",
        "tests | FAILED tests/a.py",
        "tool  | compiling",
        "tool  | no such file",
    ]


def test_a_second_try_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    """Of a part that passed, what had failed at first is named all the same, and nothing else is."""
    lucky = Part("tests", ("sh", "-c", "echo 'E   assert 1 == 2'; echo 'FAILED tests/a.py'; echo '1 passed'"))
    assert Run([lucky]).all()
    said = capfd.readouterr().out.splitlines()
    assert said[-2].startswith("tests | passed")
    assert said[-1] == "tests | at the second try passed: FAILED tests/a.py"


def test_parts_come_after_those_they_wait_for() -> None:
    """Every part waits only for parts above it, so none waits forever."""
    for index, part in enumerate(PARTS):
        assert {*part.after} <= {earlier.name for earlier in PARTS[:index]}
