"""Who owns a field of an object, by server-side apply: Helm 4 refuses to change what another has changed since."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

# Of our own changes.
MANAGER = "users-api-tune"
_KEY = ("manager", "operation", "apiVersion", "subresource")

Entry = Mapping[str, Any]
"""One of an object's metadata.managedFields."""


def given_back(before: Sequence[Entry], now: Sequence[Entry], names: Sequence[str]) -> list[dict[str, Any]]:
    """Give the entries that there are, with these fields of the spec as theirs who had them before, and none ours."""
    entries = [deepcopy(dict(entry)) for entry in now if entry["manager"] != MANAGER]
    for owner in before:
        owned: dict[str, Any] = {
            f"f:{name}": {} for name in names if f"f:{name}" in owner.get("fieldsV1", {}).get("f:spec", {})
        }
        if not owned or owner["manager"] == MANAGER:
            continue
        mine = next((entry for entry in entries if _key(entry) == _key(owner)), None)
        if mine is None:
            entries.append({**owner, "fieldsV1": {"f:spec": owned}})
        else:
            mine.setdefault("fieldsV1", {}).setdefault("f:spec", {}).update(owned)
    return entries


def _key(entry: Entry) -> tuple[Any, ...]:
    return tuple(entry.get(part) for part in _KEY)
