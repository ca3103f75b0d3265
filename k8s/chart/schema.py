"""The chart's `values.schema.json`, and what its blank values are, from the commented `values.yaml`.

The schema admits a blank wherever there is a value. What it becomes is in `blank-values.yaml`, with which the templates
fill the values in before they use them: nothing where nothing is a value, else the default.

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
    "minItems",
    "additionalProperties",
    "properties",
    "text",
    "map",
    "blank",
}
NAME = "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
TEXTS = {
    "name": f"^{NAME}$",
    "url": r"^https?://([^\s/?#@]+@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?#]\S*)?$",
    "repository": "^([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*$",
    "tag": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$",
    "digest": "^sha256:[0-9a-f]{64}$",
}
KEYS = {"pattern": f"^({NAME}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?$"}
# Numbers and booleans become strings in the templates. Beyond 2**53 a number from YAML is not exact.
SCALAR = {"type": ["string", "number", "boolean"], "minimum": 0, "maximum": 2**53}
MAPS: dict[str, dict[str, Any]] = {
    "annotations": {"propertyNames": KEYS, "additionalProperties": {"type": SCALAR["type"]}},
    "labels": {
        "propertyNames": KEYS,
        "additionalProperties": {**SCALAR, "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"},
    },
    "quantities": {
        "additionalProperties": {
            **SCALAR,
            "type": ["string", "number"],
            "pattern": "^[0-9]+([.][0-9]+)?(m|k|[MGTPE]|[KMGTPE]i)?$",
        }
    },
}
SHORT: dict[str, frozenset[str]] = {"text": frozenset(TEXTS), "map": frozenset(MAPS)}
ANNOTATION = re.compile(r"\s# @schema (.+)$")
DESCRIPTION = re.compile(r"^\s*# -- (.*)$")
COMMENT = re.compile(r"^\s*# ?(.*)$")


class SchemaError(Exception):
    """A value whose schema cannot be told; the message says which and what to write."""


def generate(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the JSON Schema (draft 7) of a commented values file, and what each value is when it is left blank.

    Raises:
        SchemaError: if a value has no description, an unknown keyword, or no type.
    """
    lines = text.splitlines()
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    if not isinstance(root, yaml.MappingNode):
        message = "values.yaml: the top level is no mapping"
        raise SchemaError(message)
    schema, blanks = _section(root, lines, path="")
    schema["type"] = "object"
    schema["properties"]["global"] = {"type": "object", "description": "Values that Helm shares with parent charts."}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema}, blanks


def _section(node: yaml.MappingNode, lines: list[str], path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    properties = {}
    blanks = {}
    for key, value in node.value:
        properties[key.value], blanks[key.value] = _value(key, value, lines, f"{path}.{key.value}".lstrip("."))
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}, blanks


def _value(key: yaml.Node, value: yaml.Node, lines: list[str], path: str) -> tuple[dict[str, Any], Any]:
    line = key.start_mark.line
    rules = _annotation(lines[line], path)
    kind = TYPES.get(value.tag.rpartition(":")[2])
    described = _description(lines, line)
    found: dict[str, Any] = {"description": described} if described else {}
    if isinstance(value, yaml.MappingNode) and not {"additionalProperties", "map"} & rules.keys():
        if not value.value:
            message = f"{path}: an empty mapping needs `# @schema map: ...` or `additionalProperties: ...`"
            raise SchemaError(message)
        section, blanks = _section(value, lines, path)
        return {**found, **section}, blanks
    if not described:
        message = f"{path}: say what it does, in a `# --` comment above it"
        raise SchemaError(message)
    if "type" not in rules and kind is None:
        message = f"{path}: its default tells no type; add `# @schema type: ...`"
        raise SchemaError(message)
    default = yaml.constructor.SafeConstructor().construct_document(value)
    schema = {"type": kind, **_expanded(rules)}
    blank = rules["blank"] if "blank" in rules else _blank(schema, default)
    return {**found, **_or_blank(schema), "default": default}, blank


def _expanded(rules: dict[str, Any]) -> dict[str, Any]:
    """The keywords of JSON Schema that the shorter ones of this file stand for."""
    schema = {key: value for key, value in rules.items() if key not in {"text", "map", "item", "itemPattern", "blank"}}
    if "text" in rules:
        schema["pattern"] = TEXTS[rules["text"]]
    if "map" in rules:
        schema |= MAPS[rules["map"]]
    if "item" in rules:
        schema["items"] = rules["item"] if isinstance(rules["item"], dict) else {"type": rules["item"]}
    if "itemPattern" in rules:
        schema["items"]["pattern"] = rules["itemPattern"]
    if isinstance(schema.get("additionalProperties"), str):
        schema["additionalProperties"] = {"type": schema["additionalProperties"]}
    return schema


def _types(schema: dict[str, Any]) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _blank(schema: dict[str, Any], default: object) -> object:
    """What a value is that is null or empty."""
    kinds = _types(schema)
    if "null" in kinds:
        return None
    if "object" in kinds:
        return {}
    if "array" in kinds:
        return default if schema.get("minItems") else []
    if kinds == ["string"] and "enum" not in schema and re.search(schema.get("pattern", ""), ""):
        return ""
    return default


def _or_blank(schema: dict[str, Any]) -> dict[str, Any]:
    """A value's schema that also takes null and, of a text, nothing."""
    kinds = _types(schema)
    found = _or_null(schema)
    if "enum" in found and "string" in kinds:
        found["enum"] = list(dict.fromkeys([*schema["enum"], "", None]))
    if "pattern" in found and not re.search(found["pattern"], ""):
        found["pattern"] = f"^$|{found['pattern']}"
    return found


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that also takes null, and so do its parts, but for those that are required."""
    found = dict(schema)
    if kinds := _types(schema):
        found["type"] = [*kinds, *({"null"} - set(kinds))]
    if "enum" in schema:
        found["enum"] = list(dict.fromkeys([*schema["enum"], None]))
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            found[part] = _or_null(schema[part])
    if "properties" in schema:
        needed = schema.get("required", [])
        found["properties"] = {
            name: part if name in needed else _or_null(part) for name, part in schema["properties"].items()
        }
    return found


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
        if keyword in SHORT and value not in SHORT[keyword]:
            message = f"{path}: {keyword} {value!r} is none of {', '.join(sorted(SHORT[keyword]))}"
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
