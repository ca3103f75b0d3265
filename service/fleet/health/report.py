from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..supervision import SupervisedTask


class Part(Protocol):
    """Something that the application asks, and that may be away."""

    @property
    def is_enabled(self) -> bool:
        """Whether there is one, by choice."""

    @property
    def available(self) -> bool:
        """Whether it answers."""

    def checks(self) -> dict[str, object]:
        """Return what /readyz?verbose says of it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What this process tells of itself: who it is, its parts by their names, and its tasks."""

    server_id: str
    version: str
    revision: str
    parts: dict[str, Part]
    tasks: Sequence[SupervisedTask]

    @property
    def is_degraded(self) -> bool:
        """Whether a part is away that there should be."""
        return any(part.is_enabled and not part.available for part in self.parts.values())

    @property
    def started(self) -> list[SupervisedTask]:
        """The tasks that were ever started."""
        return [task for task in self.tasks if task.is_started]
