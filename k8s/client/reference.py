"""`python -m k8s.client.reference`: writes the table of `app.yaml`'s keys into docs/app.md."""

import json
from dataclasses import MISSING, Field, fields
from operator import attrgetter
from pathlib import Path
from typing import Any

from k8s.client.application import MEANINGS, USERS_API, Application
from k8s.client.application_file import PARTS

PAGE = Path(__file__).parents[2] / "docs" / "app.md"
BEGIN, END = "<!-- keys -->\n", "<!-- end of keys -->\n"
# Who reads which key, by the name of make's target.
_RELEASE = ("doctor", "watch", "timeline", "reaction", "assess", "chaos", "tune")
_LOADS = ("loadtest", "timeline", "reaction", "assess", "chaos", "tune")
READERS = {
    **dict.fromkeys(("namespace", "release", "deployment"), _RELEASE),
    "prometheus": ("watch", "timeline", "reaction", "assess"),
    **dict.fromkeys(("url", "token", "read", "ids"), _LOADS),
    **dict.fromkeys(("write.path", "write.method", "write.body"), ("loadtest", "assess")),
    "burn": ("loadtest",),
    **dict.fromkeys(("limited", "cache"), ("assess",)),
    **dict.fromkeys(("replica.path", "replica.field"), ("reaction", "assess", "chaos")),
    "metrics.requests": ("doctor", "watch", "timeline", "reaction", "assess"),
    "metrics.status": ("doctor", "watch"),
    "metrics.duration": ("watch",),
    "metrics.prefix": ("doctor", "watch", "assess"),
}
# Else what needs the key does not apply.
_WITHOUT = dict.fromkeys(("token", "write.body"), "none is sent") | {"deployment": "the only one"}


def table() -> str:
    """Write a row for each key: what it is, what holds without it, what the users API has, and who reads it."""
    lines = ["| key | what it is | without it | the users API has | read by |", "| --- | --- | --- | --- | --- |"]
    for key, meaning in MEANINGS.items():
        mine = _code(attrgetter(key)(USERS_API))
        lines.append(f"| `{key}` | {meaning} | {_default(key)} | {mine} | {', '.join(READERS.get(key, ()))} |")
    return "\n".join(lines) + "\n"


def _default(key: str) -> str:
    if key in _WITHOUT:
        return _WITHOUT[key]
    part, _, name = key.rpartition(".")
    of: type[Any] = PARTS[part] if part else Application
    found: Field[Any] = next(each for each in fields(of) if each.name == name)
    if found.default is MISSING:
        return f"a `{part}` without it is refused" if part else "the file is refused"
    if found.default is None:
        return "what needs it does not apply"
    return _code(found.default)


def _code(value: Any) -> str:  # noqa: ANN401 - of the key's type
    if value is None or value == "":
        return ""
    return f"`{value if isinstance(value, str | int) else json.dumps(value)}`"


def main() -> None:
    """Put the table between the page's marks."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    PAGE.write_text(f"{before}{begin}{table()}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
