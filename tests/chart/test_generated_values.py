"""Whatever values the schema takes: what renders is right and starts, and what doesn't is refused with what to do."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.chart.generated_values import Case, cases
from tests.chart.rendering import check, rendered

SHARDS = 4


@pytest.mark.parametrize("shard", range(SHARDS))
def test_whatever_the_values_the_chart_renders_right_or_says_what_to_do(
    request: pytest.FixtureRequest, charts: tuple[Path, Path], shard: int
) -> None:
    """By Helm 3 and Helm 4 alike: strict YAML, right names and types, and settings with which the service starts."""

    @seed(shard)
    @settings(
        max_examples=request.config.getoption("--renderings") // SHARDS,
        phases=[Phase.generate],  # a smaller example takes hundreds of renderings to find, and these are small
        print_blob=False,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases())
    def holds(case: Case) -> None:
        with ThreadPoolExecutor(2) as both:
            three, four = both.map(lambda helm: rendered(helm, case, charts[case.as_dependency]), ("helm", "helm4"))
        assert three == four
        if three is not None:
            check(three)

    holds()
