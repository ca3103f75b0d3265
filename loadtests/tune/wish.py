import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.errors import LoadTestError
from loadtests.tune.offer import Target
from loadtests.tune.plan import Plan, stated_of, values_of


@dataclass(frozen=True, kw_only=True)
class Wish(Plan):
    """What is to be found out, and for which load."""

    target: Target
    first_rate: float
    """A replica's, where the search begins."""
    hold: int | None = None
    """Keep so many replicas, 0 for those that there are; None: change nothing."""

    @classmethod
    def of(cls, options: argparse.Namespace, environment: Mapping[str, str]) -> "Wish":
        """Take it from the options of the command, and the environment of the k6 scripts.

        Raises:
            LoadTestError: they contradict each other, or a file of values is none.
        """
        stated = stated_of(options)
        if options.hold is not None and options.hold < 0:
            raise LoadTestError(f"--hold {options.hold}: there is no such number of replicas")
        return cls(
            stated=stated,
            target=Target(
                environment["BASE_URL"],
                environment["TOKEN"],
                p95_ms=options.p95,
                step_seconds=options.step_seconds,
                variables={name: environment[name] for name in environment.keys() - {"BASE_URL", "TOKEN"}},
            ),
            values=values_of(options.values),
            first_rate=options.first,
            hold=options.hold,
            reaction_seconds=options.reaction,
        )
