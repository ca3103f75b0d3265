"""The page of all settings, docs/settings.md."""

import json
from typing import Any

from k8s.chart.mapping import MADE_BY_THE_CHART
from k8s.chart.settings import PATHS, setting_schemas, variable, whole_schema
from service.settings import Settings

HEAD = """# Settings

The service reads these environment variables once, when it starts. It does not start if a value is out of bounds, if a
name is not a setting, or if settings exclude each other; there is a message for each. `make generate` writes this page.

A blank value counts as not set, and blanks around a value are ignored. A list is JSON, or its entries with commas
between them; a list of objects is JSON. Kubernetes sets variables such as `USERS_API_PORT=tcp://...` if a Service has
the name of this one. They are ignored, and the log says so.

In the chart some settings have a value of their own, some are set by the chart itself, and the others go into
`config.extra`.

| Variable | Default | Takes | What it does | In the chart |
| --- | --- | --- | --- | --- |
"""
_KINDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
_MINIMA = {"minimum": "from {}", "exclusiveMinimum": "above {}"}


def page() -> str:
    """Return the page."""
    schemas = setting_schemas()
    rows = []
    for name, field in Settings.model_fields.items():
        default = whole_schema()["properties"][name].get("default")
        where = f"`{PATHS[name]}`" if name in PATHS else MADE_BY_THE_CHART.get(name, "`config.extra`")
        shown = "" if default is None else f"`{default if isinstance(default, str) else json.dumps(default)}`"
        cells = (f"`{variable(name)}`", shown, takes(schemas[name]), field.description or "", where)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return HEAD + "".join(rows)


def takes(schema: dict[str, Any]) -> str:
    """Return in words what a setting takes."""
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema["type"] == "array":
        return f"a list: {takes(schema['items'])}"
    if "properties" in schema:
        return "objects"
    bounds = [text.format(schema[keyword]) for keyword, text in _MINIMA.items() if keyword in schema]
    bounds += [f"to {schema['maximum']}"] if "maximum" in schema else []
    return schema.get("wanted") or " ".join([_KINDS[schema["type"]], *bounds])
