"""Reads `app.yaml`, which says of an application what the tools have to know; docs/app.md has its keys."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from k8s.client.application import MEANINGS, Application, Metrics, Replica, Write
from k8s.client.errors import ApplicationError

PARTS: Mapping[str, type[Any]] = {"write": Write, "replica": Replica, "metrics": Metrics}
_NULL = "tag:yaml.org,2002:null"
Form = Callable[[Any], bool]


def _matches(pattern: str) -> Form:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def _is_url(value: Any) -> bool:  # noqa: ANN401 - what the file holds
    if not isinstance(value, str) or not _matches(r"https?://[^\s?#@]+")(value):
        return False
    try:
        return bool(urlsplit(value).hostname) and urlsplit(value).port != 0
    except ValueError:
        return False


def _is_count(value: Any) -> bool:  # noqa: ANN401 - likewise
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_json(value: Any) -> bool:  # noqa: ANN401 - likewise
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


_NAME = (_matches(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"), "a name as Kubernetes takes it, such as shop")
_PATH = (_matches(r"/[^\s#]*"), "a path, such as /items/7")
_SECRET = (_matches(r"\$[A-Za-z_]\w*|[^\s$][^\s]*"), "a token, or $NAME for one in the environment")
_METRIC = (_matches(r"[a-zA-Z_:][\w:]*"), "the name of a metric, such as http_requests_total")
_WORD = (_matches(r"[A-Za-z_]\w*"), "a name, such as status")
FORMS: Mapping[str, tuple[Form, str]] = {
    "namespace": _NAME,
    "release": _NAME,
    "deployment": _NAME,
    "prometheus": (_matches(r"[a-z0-9-]+/[a-z0-9.:-]+"), "namespace/name:port, such as monitoring/prometheus:9090"),
    "url": (_is_url, "http://host:port, or with https:// or a path, and nothing else"),
    "token": _SECRET,
    "read": _PATH,
    "ids": (_is_count, "a whole number above 0"),
    "write.path": _PATH,
    "write.method": (_matches("POST|PUT|PATCH|DELETE"), "POST, PUT, PATCH or DELETE"),
    "write.body": (_is_json, "what JSON can hold; a date needs quotes"),
    "limited": _SECRET,
    "cache": (_matches(r"[A-Za-z0-9-]+"), "the name of a header, such as X-Cache"),
    "replica.path": _PATH,
    "replica.field": _WORD,
    "burn": (_matches(r"/[^\s#]*\{milliseconds\}[^\s#]*"), "a path with {milliseconds} in it"),
    "metrics.requests": _METRIC,
    "metrics.status": _WORD,
    "metrics.duration": _METRIC,
    "metrics.prefix": _METRIC,
}


def read_application(path: Path) -> Application:
    """Read what is said of an application.

    Raises:
        ApplicationError: there is no such file, or something in it is wrong; the message has the line, and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ApplicationError(f"there is no file {path}: docs/app.md has one to begin with") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ApplicationError(f"{path} cannot be read: {error}") from error
    return _File(path).read(text)


def required(of: type[Any]) -> tuple[str, ...]:
    """Name what a part must have."""
    return tuple(each.name for each in fields(of) if each.default is MISSING and each.default_factory is MISSING)


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, text: str) -> Application:
        try:
            root = yaml.compose(text, yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line if error.problem_mark else 0
            raise self._error(line, f"this is no YAML: {error.problem}") from error
        except yaml.YAMLError as error:
            raise ApplicationError(f"{self._path} is no YAML: {error}") from error
        if root is None or not isinstance(root, yaml.MappingNode):
            raise self._error(0, "write `key: value` on each line, first `namespace:` and `release:`")
        found: dict[str, Any] = self._part(root, "", Application)
        return Application(**found, file=self._path.name)

    def _part(self, node: yaml.MappingNode, before: str, of: type[Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value, line in self._entries(node):
            name = f"{before}{key}"
            known = FORMS.keys() if before else {*FORMS, *PARTS}
            if name not in known or "." in str(key):
                raise self._error(line, f"there is no key {name}{_nearest(name)}")
            if name in found:
                raise self._error(line, f"{name} is there twice: keep one")
            if value.tag == _NULL:
                found[key] = None
            elif name in PARTS:
                if not isinstance(value, yaml.MappingNode):
                    raise self._error(line, f"{name} has keys of its own: {_keys_of(name)}")
                found[key] = PARTS[name](**self._part(value, f"{name}.", PARTS[name]))
            else:
                found[key] = self._value(name, value)
        given = {key: value for key, value in found.items() if value is not None}
        for key in required(of):
            if key not in given:
                raise self._error(node.start_mark.line, f"{before}{key} is missing: {MEANINGS[before + key]}")
        return given

    def _entries(self, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node, int]]:
        for key, value in node.value:
            yield str(key.value), value, key.start_mark.line

    def _value(self, name: str, node: yaml.Node) -> Any:  # noqa: ANN401 - of the key's type
        holds, form = FORMS[name]
        try:
            value = yaml.constructor.SafeConstructor().construct_document(node)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self._error(node.start_mark.line, f"{name} cannot be read: write {form}") from error
        if holds(value):
            return value
        is_text = isinstance(node, yaml.ScalarNode) and holds(node.value)
        remedy = f'write it in quotes, "{node.value}"' if is_text else f"write {form}"
        shown = node.value if isinstance(node, yaml.ScalarNode) else "a list or a mapping"
        raise self._error(node.start_mark.line, f"{name} is {shown}: {remedy}")

    def _error(self, line: int, what: str) -> ApplicationError:
        return ApplicationError(f"{self._path}, line {line + 1}: {what}")


def _keys_of(part: str) -> str:
    return ", ".join(name.partition(".")[2] for name in FORMS if name.startswith(f"{part}."))


def _nearest(name: str) -> str:
    """Say which key may be meant: one that is spelt nearly so, or has this name inside a part."""
    inside = [key for key in FORMS if key.rpartition(".")[2] == name.rpartition(".")[2]]
    near = inside or get_close_matches(name, [*FORMS, *PARTS], n=1)
    if near:
        part, _, inner = near[0].rpartition(".")
        return f": {f'{part}: {{{inner}: ...}}' if part else near[0]} is meant?"
    return f", but {', '.join(FORMS)}"
