"""The chart's `values.schema.json`, from the commented `values.yaml`.

The annotations are those of losisin/helm-values-schema-json, in its order of a trailing `# @schema key: value; ...`;
that tool is on no registry that this project may build from, so the part that is used here is read by this one.
"""

import re
from typing import Any

import yaml

TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "seq": "array", "map": "object"}
KEYWORDS = {
    "type",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "item",
    "itemPattern",
    "additionalProperties",
}
ANNOTATION = re.compile(r"\s# @schema (.+)$")
DESCRIPTION = re.compile(r"^\s*# -- (.*)$")
COMMENT = re.compile(r"^\s*# ?(.*)$")


class SchemaError(Exception):
    """A value whose schema cannot be told; the message says which and what to write."""


def generate(text: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of a commented values file.

    Raises:
        SchemaError: if a value has no description, an unknown keyword, or no type.
    """
    lines = text.splitlines()
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        message = "values.yaml: the top level is no mapping"
        raise SchemaError(message)
    schema = _object(root, lines, path="")
    schema["properties"]["global"] = {"type": "object", "description": "Values that Helm shares with parent charts."}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema}


def _object(node: yaml.MappingNode, lines: list[str], path: str) -> dict[str, Any]:
    properties = {}
    for key, value in node.value:
        properties[key.value] = _value(key, value, lines, f"{path}.{key.value}".lstrip("."))
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _value(key: yaml.Node, value: yaml.Node, lines: list[str], path: str) -> dict[str, Any]:
    line = key.start_mark.line
    rules = _annotation(lines[line], path)
    kind = TYPES.get(value.tag.rpartition(":")[2])
    described = _description(lines, line)
    found: dict[str, Any] = {"description": described} if described else {}
    if isinstance(value, yaml.MappingNode) and "additionalProperties" not in rules:
        if not value.value:
            message = f"{path}: an empty mapping needs `# @schema additionalProperties: ...`"
            raise SchemaError(message)
        return {**found, **_object(value, lines, path)}
    if not described:
        message = f"{path}: say what it does, in a `# --` comment above it"
        raise SchemaError(message)
    if "item" in rules:
        found["items"] = {"type": rules.pop("item")}
        if "itemPattern" in rules:
            found["items"]["pattern"] = rules.pop("itemPattern")
    if isinstance(rules.get("additionalProperties"), str):
        rules["additionalProperties"] = {"type": rules["additionalProperties"]}
    if "type" not in rules and kind is None:
        message = f"{path}: its default tells no type; add `# @schema type: ...`"
        raise SchemaError(message)
    return {**found, "type": kind, **rules, "default": yaml.safe_load(yaml.serialize(value))}


def _annotation(line: str, path: str) -> dict[str, Any]:
    found = ANNOTATION.search(line)
    if not found:
        return {}
    # A pattern may hold semicolons, but none followed by a space and a keyword.
    parts = re.split(rf"; (?=(?:{'|'.join(KEYWORDS)}): )", found.group(1))
    rules = {}
    for part in parts:
        keyword, _, value = part.partition(": ")
        if keyword not in KEYWORDS:
            message = f"{path}: unknown keyword {keyword!r} in @schema; one of {', '.join(sorted(KEYWORDS))}"
            raise SchemaError(message)
        rules[keyword] = value if keyword in {"pattern", "itemPattern"} else yaml.safe_load(value)
    return rules


def _description(lines: list[str], line: int) -> str:
    text: list[str] = []
    for above in reversed(lines[:line]):
        if found := DESCRIPTION.match(above):
            return " ".join([found.group(1), *reversed(text)])
        if not (found := COMMENT.match(above)):
            break
        text.append(found.group(1))
    return ""
