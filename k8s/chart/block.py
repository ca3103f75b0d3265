"""The part of values.yaml that is the service's settings."""

import json
import re
import textwrap
from typing import Any

from k8s.chart.mapping import VALUES, OwnValue, Value
from k8s.chart.settings import default_of, setting_schemas
from service.settings import Settings

BEGIN = "# From here to the next rule `make generate` writes the settings; see service/settings and k8s/chart."
END = "# " + 78 * "="
_WIDTH = 118
_SCALARS = ("minimum", "maximum", "exclusiveMinimum")


class BlockError(Exception):
    """A values file without the place for the settings; the message says which."""


def placed(text: str) -> str:
    """Return a values file with the settings in their place, written anew.

    Raises:
        BlockError: there is no such place.
    """
    before, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"{END}\n")
    if not begin or not end:
        message = f"values.yaml: the settings stand between these two lines, and one is missing:\n{BEGIN}\n{END}"
        raise BlockError(message)
    return f"{before}{begin}{written()}{end}{after}"


def written() -> str:
    """Return the settings' part of values.yaml."""
    lines: list[str] = []
    above: list[str] = []
    for value in VALUES:
        *parents, key = value.path.split(".")
        for depth, parent in enumerate(parents):
            if parents[: depth + 1] != above[: depth + 1]:
                lines += [*([] if depth else [""]), f"{'  ' * depth}{parent}:"]
        above = parents
        lines += _lines(value, key, "  " * len(parents))
    return "\n".join([*lines, "", ""])


def _lines(value: Value | OwnValue, key: str, indent: str) -> list[str]:
    if isinstance(value, OwnValue):
        default, description, annotation = value.default, value.description, value.annotation
    else:
        default, annotation = default_of(value), annotation_of(setting_schemas()[value.setting], default_of(value))
        told = Settings.model_fields[value.setting].description
        description = f"{told} {value.note}".strip()
    width = _WIDTH - len(indent)
    comment = textwrap.wrap(f"-- {description}", width, break_on_hyphens=False, break_long_words=False)
    line = f"{key}: {_yaml(default)}" + (f" # @schema {annotation}" if annotation else "")
    return [*(f"{indent}# {each}" for each in comment), f"{indent}{line}"]


def annotation_of(schema: dict[str, Any], default: Any) -> str:  # noqa: ANN401 - of any type
    """Return the bounds as values.yaml has them; patterns are the templates', whose messages say what is wanted."""
    parts = []
    if default is None:
        parts.append(f'type: [{schema["type"]}, "null"]')
    elif schema["type"] == "number":
        parts.append("type: number")
    if "enum" in schema:
        parts.append(f"enum: [{', '.join(schema['enum'])}]")
    if schema["type"] == "array":
        parts.append(f"item: {schema['items']['type']}")
    parts += [f"{keyword}: {schema[keyword]}" for keyword in _SCALARS if keyword in schema]
    return "; ".join(parts)


def _yaml(default: Any) -> str:  # noqa: ANN401 - of any type
    if isinstance(default, str) and re.fullmatch("[A-Za-z]+", default):
        return default
    return json.dumps(default)
