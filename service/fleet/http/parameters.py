import re

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_DECIMAL = re.compile(r"0|-?[1-9][0-9]*")


def _canonical(value: object) -> object:
    if isinstance(value, str) and _DECIMAL.fullmatch(value) is None:
        raise PydanticCustomError("decimal", "Write the whole number in plain decimal digits, without leading zeros")
    return value


DECIMAL = BeforeValidator(_canonical)
"""For an integer of a path or a query: pydantic itself also takes 1_0, +1, 01 and 1.0, several names for one thing.

It stands behind the bounds, which OpenAPI would not show otherwise.
"""
