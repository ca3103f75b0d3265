from dataclasses import asdict, dataclass, field
from typing import Any

from loadtests.assess.availability import Availability
from loadtests.assess.caches import Caches
from loadtests.assess.limiter import Limiter
from loadtests.assess.response import Response
from loadtests.assess.scaling import Scaling
from loadtests.assess.spread import Spread
from loadtests.assess.throughput import Throughput
from loadtests.assess.writes import Writes
from loadtests.assess.written import Written

# Long series, which the raw files have too.
_SERIES = ("cached_ms", "uncached_ms", "by_second", "accepted_at_s", "samples")


@dataclass
class Assessment:
    """All that one run found; None where a phase was left out or could not be done."""

    facts: dict[str, Any] = field(default_factory=dict)
    response: Response | None = None
    writes: Writes | None = None
    written: Written | None = None
    """Instead of these, of another application."""
    throughput: Throughput | None = None
    availability: Availability | None = None
    spread: Spread | None = None
    scaling: Scaling | None = None
    caches: Caches | None = None
    limiter: Limiter | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    """Targets that this kind of run does not measure, or that are none of this release, and why."""
    of_users_api: bool = True
    """Whether it is what the compose stack's own report is of, and what writes are known of."""
    problems: dict[str, str] = field(default_factory=dict)
    """Phases that could not be done, and why."""
    seconds: float = 0

    def as_json(self) -> dict[str, Any]:
        """Give everything except the series, which are drawn, and are in the raw files."""
        found = asdict(self)
        return {name: _without_series(value) for name, value in found.items()}


def _without_series(value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, dict):
        return value
    return {name: part for name, part in value.items() if name not in _SERIES}
