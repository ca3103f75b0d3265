"""The service's settings as the chart's templates read them: JSON Schema, flat, with the value that sets each."""

import copy
import functools
from typing import Any

from k8s.chart.mapping import MADE_BY_THE_CHART, NAMES, SAME, VALUES, Value
from service.fleet.settings.problems import may_be_secret
from service.settings import PREFIX, Settings
from service.settings.rules import RULES

Schema = dict[str, Any]
KEYWORDS = {
    *("type", "enum", "pattern", "wanted", "minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength"),
    *("items", "properties", "required", "anyOf", "namedOnce"),
}
PATHS = {value.setting: value.path for value in VALUES if isinstance(value, Value)}


def table() -> dict[str, Any]:
    """Return what templates/_settings.tpl walks: settings, values, what config.extra does not take, and rules."""
    schemas = setting_schemas()
    names = {
        name: f"{'extraEnv ' if may_be_secret(field) else 'config.extra.'}{variable(name)}"
        for name, field in Settings.model_fields.items()
    }
    names |= MADE_BY_THE_CHART | PATHS | NAMES
    return {
        "settings": {
            variable(name): {"schema": schemas[name], "secret": may_be_secret(field)}
            for name, field in Settings.model_fields.items()
        },
        "values": [
            {
                "value": value.path,
                "name": variable(value.setting),
                "default": default_of(value),
                "schema": with_the_token(schemas[value.setting]) if value.setting == "static_tokens" else None,
            }
            for value in VALUES
            if isinstance(value, Value)
        ],
        "elsewhere": {
            variable(name): MADE_BY_THE_CHART.get(name) or _elsewhere(name)
            for name in schemas
            if name not in further_settings()
        },
        "rules": [
            {
                "conditions": [
                    {"name": variable(each.setting), "operator": each.operator, "value": each.value}
                    for each in rule.conditions
                ],
                "remedy": rule.remedy.format(**names),
            }
            for rule in RULES
        ],
    }


@functools.cache
def whole_schema() -> Schema:
    """Return what pydantic makes of the settings; it takes its time, so nobody may change what all are given."""
    return Settings.model_json_schema()


def setting_schemas() -> dict[str, Schema]:
    """Return a schema for each setting, in their order."""
    whole = whole_schema()
    return {name: flat(schema, whole["$defs"]) for name, schema in whole["properties"].items()}


def with_the_token(schema: Schema) -> Schema:
    """Return the schema of static tokens in the chart's values: of the token itself too, which the chart hashes."""
    token = schema["items"]
    return schema | {
        "items": token
        | {
            "properties": {"token": {"type": "string", "minLength": 1}, **token["properties"]},
            "required": ["subject"],
            "anyOf": [{"required": ["token"]}, {"required": ["sha256"]}],
            "wanted": "needs a token or its sha256",
        }
    }


def further_settings() -> list[str]:
    """Return the settings that `config.extra` takes: those without a value, and without a secret for a ConfigMap."""
    return [
        name
        for name, field in Settings.model_fields.items()
        if name not in PATHS and name not in MADE_BY_THE_CHART and not may_be_secret(field)
    ]


def default_of(value: Value) -> Any:  # noqa: ANN401 - of any type
    """Return a value's default: the chart's own, else the service's; text without one is empty."""
    if value.default is not SAME:
        return value.default
    schema = whole_schema()["properties"][value.setting]
    if schema["default"] is None and setting_schemas()[value.setting]["type"] == "string":
        return ""
    return schema["default"]


def variable(setting: str) -> str:
    """Return the environment variable of a setting."""
    return f"{PREFIX}{setting.upper()}"


def flat(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return a schema without references, without null as a type of its own, and with the known keywords only."""
    schema = copy.deepcopy(schema)
    choices = schema.get("anyOf", ())
    (named,) = [each for each in choices if each.get("type", "") != "null" and "required" not in each] or [schema]
    if "$ref" in named:
        named = definitions[named["$ref"].rpartition("/")[2]]
    made = {keyword: value for keyword, value in named.items() if keyword in KEYWORDS}
    if "items" in made:
        made["items"] = flat(made["items"], definitions)
    if "properties" in made:
        made["properties"] = {name: flat(each, definitions) for name, each in made["properties"].items()}
    return made


def _elsewhere(name: str) -> str:
    return f"set {PATHS[name]}" if name in PATHS else "it holds a secret: set it by extraEnv from a Secret"
