from loadtests.bench.footprint import slope_per_minute


def test_slope_leaves_out_the_first_half() -> None:
    """Memory that grows while caches fill and then by 2 MiB a minute has a slope of 2."""
    filling = [(float(at), at * 1.0) for at in range(0, 60, 5)]
    after = [(float(at), 60 + (at - 60) / 30) for at in range(60, 120, 5)]
    assert slope_per_minute(filling + after) == 2.0
