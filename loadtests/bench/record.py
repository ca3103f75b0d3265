from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from loadtests.bench.ablation import Cost
from loadtests.bench.footprint import Soak
from loadtests.bench.overload import Overload
from loadtests.bench.summary import Results


@dataclass(frozen=True)
class Record:
    """All that one run found out."""

    machine: Mapping[str, object]
    results: Results
    # By server, then by name.
    ratios: Mapping[str, Mapping[str, float]]
    start_seconds: Sequence[float]
    rss_after_requests: int
    rss_mib: float
    # By way, the bare driver's first.
    look_ups: Results
    look_up_ratios: Mapping[str, float]
    # By variant, of which the first is the service as it is.
    overloads: Mapping[str, Overload]
    costs: Sequence[Cost]
    soak: Soak | None

    @property
    def footprint(self) -> dict[str, str]:
        """What a start and the memory cost, named for a person."""
        shown = {
            "exec to first answer, s": f"{median(self.start_seconds):.2f}",
            f"RSS after {self.rss_after_requests:,} requests, MiB": f"{self.rss_mib:.1f}",
        }
        if self.soak:
            shown["RSS slope in the soak's second half, MiB/min"] = f"{self.soak.slope_mib_per_minute:+.3f}"
        return shown

    def as_json(self) -> dict[str, object]:
        """Everything, raw figures included."""
        return {
            "machine": dict(self.machine),
            "ratios": dict(self.ratios["uvicorn"]),
            "ratios_by_server": {server: dict(ratios) for server, ratios in self.ratios.items()},
            "start_seconds": list(self.start_seconds),
            "rss_after_requests": self.rss_after_requests,
            "rss_mib": self.rss_mib,
            "look_up_ratios": dict(self.look_up_ratios),
            "overloads": {name: asdict(overload) for name, overload in self.overloads.items()},
            "ablation": [asdict(cost) for cost in self.costs],
            "soak": self.soak and asdict(self.soak),
            "measurements": _raw(self.results),
            "look_ups": _raw(self.look_ups),
        }


def _raw(results: Results) -> dict[str, list[dict[str, object]]]:
    return {label: [asdict(one) for one in measured] for label, measured in results.items()}
