"""Loaded by schemathesis, in its own process."""

import uuid
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import configuration

# The tables of Unicode that the other tests have made, as it takes seconds to make them anew; examples are not kept.
configuration.set_hypothesis_home_dir(Path(__file__).parents[2] / ".hypothesis")


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """Draw a new key for each request, as clients do: a generator's favourite one comes with many bodies."""
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and key.isascii() and key.isprintable() and 0 < len(key) <= 255 and " " not in key:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
