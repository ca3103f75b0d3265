"""What a test is about, switched off: with --sabotage the test must fail, or it proves nothing."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

Break = Callable[[pytest.FixtureRequest], None]


class Sabotage(NamedTuple):
    """One way to break what a test is about."""

    what: str
    """What is broken, in the words of docs/postgresql.md."""
    break_it: Break
    """Called before the test's own fixtures are made; ends with the test."""
    raises: type[BaseException]
    """What the test fails by: anything else says that more is broken than was meant."""

    @property
    def parameter(self) -> object:
        """One run of the test: an expected failure, and a failure where it holds all the same."""
        reason = f"{self.what}: if it holds all the same, it proves nothing"
        return pytest.param(self, id=self.what, marks=pytest.mark.xfail(raises=self.raises, reason=reason, strict=True))


def sabotage(what: str, break_it: Break, *, raises: type[BaseException] = AssertionError) -> pytest.MarkDecorator:
    """Mark a test with one way to break what it is about; several marks are several runs."""
    return pytest.mark.sabotage(Sabotage(what, break_it, raises))


def patched(*patches: tuple[object, str, object]) -> Break:
    """Return what puts each value in the place of an object's attribute of that name."""

    def break_it(request: pytest.FixtureRequest) -> None:
        monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        for target, name, value in patches:
            monkeypatch.setattr(target, name, value)

    return break_it
