"""What holds of the templates' text, whatever the values."""

import json
import re
from pathlib import Path

import pytest

from tests.chart.conftest import CHART

TEMPLATES = CHART / "templates"
OBJECTS = sorted([*TEMPLATES.rglob("*.yaml"), *TEMPLATES.rglob("*.txt")])
# Those of checks write messages.
CHECKS = ("_validate", "_settings")
SOURCES = sorted(
    path for path in [*TEMPLATES.rglob("*.yaml"), *TEMPLATES.rglob("_*.tpl")] if not path.name.startswith(CHECKS)
)
PREPARE = '{{- include "users-api.prepare" . -}}\n'
# What a template writes as a key, or as a value in a block or flow mapping or list.
OUTPUT = re.compile(
    r"(?:^\s*(?=\S.*?\}\}:)|: \[?|^\s*- |, )"
    r"\{\{ (?P<value>(?:(?!\}\}).)*?)(?: \| (?P<last>\w+))? \}\}"
    r"(?=$|[:\]},]| \})"
)
# PromQL and Prometheus' own templates, in which a release's name and namespace are all there is of a user's.
QUERY = re.compile(r"^\s*(expr|description): ")


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_each_template_fills_in_blanks_first(path: Path) -> None:
    """The first line of each template fills in blank values and refuses bad ones, so that no later one meets them."""
    assert path.read_text(encoding="utf-8").startswith(PREPARE)


def _integers(part: object, path: str = ".Values") -> set[str]:
    if not isinstance(part, dict):
        return set()
    if set(part.get("type", ())) <= {"integer", "boolean", "null"} and "properties" not in part:
        return {path}
    return {found for name, below in part.get("properties", {}).items() for found in _integers(below, f"{path}.{name}")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_each_value_is_quoted_or_a_number(path: Path) -> None:
    """What a template writes into YAML is quoted, or is an integer or a boolean by the schema."""
    numbers = _integers(json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")))
    for line in path.read_text(encoding="utf-8").splitlines():
        for output in OUTPUT.finditer(line) if not QUERY.match(line) else ():
            number = output["last"] is None and output["value"].lstrip("$") in numbers
            assert number or output["last"] in {"quote", "toJson", "int", "int64"}, line
