import subprocess
import sys

import pytest

from service import fleet

SURFACE = {"Fleet", "FleetSettings", "cached", "idempotent", "limited", "run"}


def test_the_surface_is_small_and_explained() -> None:
    """An application imports these names, each of which has its own words, and no other is there."""
    assert set(fleet.__all__) == SURFACE
    for name in SURFACE:
        assert getattr(fleet, name).__doc__
    with pytest.raises(AttributeError, match="'installed'"):
        fleet.installed  # noqa: B018 - that it is not there is what is tested


def test_a_part_of_it_loads_no_more_than_it_needs() -> None:
    """Commands that read settings or write logs wait neither for FastAPI nor for Redis."""
    program = "import sys, service.fleet.running, service.fleet.settings.fleet_settings; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"fastapi", "redis", "prometheus_client"} & set(loaded)
