from collections.abc import Mapping
from dataclasses import asdict, dataclass

from loadtests.simulate.comparison import Comparison
from loadtests.simulate.front import better, front
from loadtests.simulate.scale import Scale
from loadtests.simulate.settings import DEFAULTS


@dataclass(frozen=True)
class Record:
    """All that one run found out.

    Attributes:
        machine: cores, load average at the start, revision.
        comparison: of settings.
        scale: None: it was left out.
    """

    machine: Mapping[str, object]
    comparison: Comparison
    scale: Scale | None

    @property
    def fronts(self) -> dict[str, list[str]]:
        """Settings that none beats, by scenario, cheapest first."""
        return {scenario: front(outcomes) for scenario, outcomes in self.comparison.outcomes.items()}

    @property
    def better_than_defaults(self) -> list[str]:
        """Settings that beat the chart's defaults in some scenario and lose to them in none."""
        outcomes = list(self.comparison.outcomes.values())
        return better(outcomes, DEFAULTS) if DEFAULTS in outcomes[0] else []

    def as_json(self) -> dict[str, object]:
        """Everything but each pod's times."""
        compared = self.comparison
        return {
            "machine": dict(self.machine),
            "speed": compared.speed,
            "capacity_rps": compared.model.capacity_rps,
            "settings": {setting.name: asdict(setting) for setting in compared.settings},
            "outcomes": {
                scenario: {setting: each.as_json() for setting, each in outcomes.items()}
                for scenario, outcomes in compared.outcomes.items()
            },
            "fronts": self.fronts,
            "better_than_defaults": self.better_than_defaults,
            "rounded": list(compared.rounded),
            "fidelity": asdict(compared.fidelity),
            "scale": self.scale and self.scale.as_json(),
        }
