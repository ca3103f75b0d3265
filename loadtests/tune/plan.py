import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from loadtests.errors import LoadTestError
from loadtests.simulate.scenarios import SYNC_SECONDS
from loadtests.simulate.settings import values
from loadtests.tune import sizing
from loadtests.tune.budget import connections
from loadtests.tune.options import LOW_SHARE


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which load is to come, and what release is to bear it."""

    stated: sizing.Stated
    values: Mapping[str, Any]
    """The release's, as far as they are said: the chart's, with files over them."""
    reaction_seconds: float | None = None
    """Until a new replica helps; None: as its links take by the values."""

    def reaction(self, startup_seconds: float | None) -> tuple[float, str]:
        """Seconds until a new replica helps, and how that is known: as stated, or the most that its links take."""
        if self.reaction_seconds is not None:
            return self.reaction_seconds, "as stated"
        parts = {
            "a scrape": self.values["metrics"]["scrapeIntervalSeconds"],
            "the rate's window": self.values["autoscaling"]["requestRate"]["windowSeconds"],
            "the autoscaler's look": SYNC_SECONDS,
        }
        parts |= {} if startup_seconds is None else {"a pod's start": startup_seconds}
        links = ", ".join(f"{name} {seconds:g}" for name, seconds in parts.items())
        return sum(parts.values()), f"{links}; `make reaction` measures it"

    def follow(self, measured: sizing.Measured) -> list[sizing.Value]:
        """Give all values that follow from what was measured."""
        fewest, most = sizing.replicas(self.stated, measured)
        return [
            sizing.target_per_replica(self.stated, measured),
            *sizing.cpu(self.stated, measured),
            *sizing.memory(measured),
            fewest,
            most,
            *connections(self.values, int(most.value)),
        ]


def stated_of(options: argparse.Namespace) -> sizing.Stated:
    """Take what is said of the load from the options of a command.

    Raises:
        LoadTestError: they contradict each other.
    """
    low = options.peak / LOW_SHARE if options.low is None else options.low
    if low > options.peak:
        raise LoadTestError(f"--low {low:g} is above --peak {options.peak:g}")
    if options.step <= 1:
        raise LoadTestError(f"--step {options.step:g}: a step is more than 1 times as much")
    return sizing.Stated(options.peak, low, options.step, options.rise)


def values_of(files: Sequence[Path]) -> dict[str, Any]:
    """Read the chart's values with files over them.

    Raises:
        LoadTestError: a file is missing, or no YAML.
    """
    try:
        return values(*(str(path.resolve()) for path in files))
    except (OSError, yaml.YAMLError) as error:
        raise LoadTestError(f"--values: {error}") from error
