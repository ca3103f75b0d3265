from typing import Generic, TypeVar

from starlette.types import Scope

T = TypeVar("T")


class StateKey(Generic[T]):
    """Where one layer leaves what it has found out about a request, for those further in that would find out again.

    That is in the scope's `state`, which ends with the request.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def get(self, scope: Scope) -> T | None:
        """Return what was left; None if nothing was."""
        value: T | None = scope.get("state", {}).get(self._name)
        return value

    def put(self, scope: Scope, value: T) -> None:
        """Leave `value`."""
        scope.setdefault("state", {})[self._name] = value
