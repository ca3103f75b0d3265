import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from service.fleet.settings.entries import RateLimitOverride
from service.fleet.settings.environment import is_password
from service.settings.entries import StaticToken
from service.settings.environment import PREFIX
from service.settings.settings import Settings

EX_USAGE = 64  # of sysexits.h: how a start ends that these problems stopped
# Of pydantic's messages, those that speak of Python's types.
_IN_PLAIN_WORDS = {
    "tuple_type": 'must be a list such as ["a", "b"]',
    "frozen_set_type": 'must be a list such as ["a", "b"]',
    "model_type": "must be a JSON object in a list",
}
_ENTRIES: dict[str, type[BaseModel]] = {"static_tokens": StaticToken, "rate_limit_overrides": RateLimitOverride}
_LONGEST_SHOWN = 100


def problems(error: ValidationError) -> list[str]:
    """Return a line for each setting that was refused: its variable, what is wrong, and what is right."""
    return [line for problem in error.errors() for line in _lines(problem)]


def _lines(problem: ErrorDetails) -> Iterator[str]:
    place = problem["loc"]
    if not place:  # a rule's, which names its settings
        yield from problem["msg"].splitlines()
    elif problem["type"] == "extra_forbidden":
        known = _ENTRIES[str(place[0])] if len(place) > 1 else Settings
        yield f"{_variable(place)} is not a setting{_nearest(place, known.model_fields)}"
    else:
        message = _IN_PLAIN_WORDS.get(problem["type"], problem["msg"])
        yield f"{_variable(place)}: {message}{_given(place, problem['input'])}"


def _variable(place: tuple[int | str, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[1:])
    return "".join([PREFIX, str(place[0]).upper(), *parts])


def _nearest(place: tuple[int | str, ...], known: Iterable[str]) -> str:
    found = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f": did you mean {_variable((*place[:-1], found[0]))}?" if found else " of this service: leave it out"


def _given(place: tuple[int | str, ...], value: Any) -> str:  # noqa: ANN401 - whatever was set
    field = Settings.model_fields[str(place[0])]
    if may_be_secret(field) or not isinstance(value, str | int | float) or len(str(value)) > _LONGEST_SHOWN:
        return ""
    return f"; it is {value!r}"


def may_be_secret(field: FieldInfo) -> bool:
    """Whether a value of this setting may be shown to nobody."""
    return is_password(field) or not field.repr
