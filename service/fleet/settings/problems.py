import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .entries import RateLimitOverride
from .environment import is_password

EX_USAGE = 64  # of sysexits.h: how a start ends that these problems stopped
# Of pydantic's messages, those that speak of Python's types.
_IN_PLAIN_WORDS = {
    "tuple_type": 'must be a list such as ["a", "b"]',
    "frozen_set_type": 'must be a list such as ["a", "b"]',
    "model_type": "must be a JSON object in a list",
}
ENTRIES: Mapping[str, type[BaseModel]] = {"rate_limit_overrides": RateLimitOverride}
"""What the lists among the common settings are of."""
_LONGEST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Problems:
    """Tells in the words of variables what pydantic says of a model's fields."""

    settings: type[BaseModel]
    prefix: str
    """Of its variables."""
    entries: Mapping[str, type[BaseModel]]

    def of(self, error: ValidationError) -> list[str]:
        """Return a line for each setting that was refused: its variable, what is wrong, and what is right."""
        return [line for problem in error.errors() for line in self._lines(problem)]

    def _lines(self, problem: ErrorDetails) -> Iterator[str]:
        place = problem["loc"]
        if not place:  # a rule's, which names its settings
            yield from problem["msg"].splitlines()
        elif problem["type"] == "extra_forbidden":
            known = self.entries[str(place[0])] if len(place) > 1 else self.settings
            yield f"{self._variable(place)} is not a setting{self._nearest(place, known.model_fields)}"
        else:
            message = _IN_PLAIN_WORDS.get(problem["type"], problem["msg"])
            yield f"{self._variable(place)}: {message}{self._given(place, problem['input'])}"

    def _variable(self, place: tuple[int | str, ...]) -> str:
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[1:])
        return "".join([self.prefix, str(place[0]).upper(), *parts])

    def _nearest(self, place: tuple[int | str, ...], known: Iterable[str]) -> str:
        found = difflib.get_close_matches(str(place[-1]), known, n=1)
        return (
            f": did you mean {self._variable((*place[:-1], found[0]))}?" if found else " of this service: leave it out"
        )

    def _given(self, place: tuple[int | str, ...], value: Any) -> str:  # noqa: ANN401 - whatever was set
        field = self.settings.model_fields[str(place[0])]
        if may_be_secret(field) or not isinstance(value, str | int | float) or len(str(value)) > _LONGEST_SHOWN:
            return ""
        return f"; it is {value!r}"


def may_be_secret(field: FieldInfo) -> bool:
    """Whether a value of this setting may be shown to nobody."""
    return is_password(field) or not field.repr
