from typing import Any

import pytest

from loadtests.simulate.settings import values
from loadtests.tune.budget import connections


def _values(mode: str, **postgresql: object) -> dict[str, Any]:
    found = values()
    found["postgresql"] |= {"mode": mode, **postgresql}
    return found


def _pooled(**postgresql: object) -> dict[str, Any]:
    found = _values("external", maxConnections=200, **postgresql)
    found["postgresql"]["pooler"]["enabled"] = True
    return found


@pytest.mark.parametrize(
    ("release", "most", "written"),
    [
        (_values("none"), 10, {}),
        (_values("bundled"), 10, {"databasePoolSize": 8}),
        (_values("bundled"), 20, {"databasePoolSize": 4}),
        (_values("bundled"), 40, {"databasePoolSize": 8, "maxConnections": 90 * 8 + 13}),
        (_values("bundled", maxConnections=400), 20, {"databasePoolSize": 8}),
        (_values("external", maxConnections=200), 10, {"databasePoolSize": 8}),
        (
            _values("external", maxConnections=200),
            200,
            {"databasePoolSize": 8, "enabled": True, "maxClientConnections": 3600},
        ),
        (_values("external"), 2, {"databasePoolSize": 8, "enabled": True, "maxClientConnections": 2000}),
        (
            _values("external", maxConnections=200, external={"replicas": ["other"]}),
            40,
            {"databasePoolSize": 8, "maxConnections": 733},
        ),
        (_pooled(), 40, {"databasePoolSize": 8, "maxClientConnections": 2000}),
        (_pooled(), 200, {"databasePoolSize": 8, "maxClientConnections": 3600}),
        (_values("cloudnativepg"), 40, {"databasePoolSize": 8, "maxConnections": 733}),
    ],
)
def test_the_connections_fit(release: dict[str, Any], most: int, written: dict[str, object]) -> None:
    """They are left as they are, made fewer, shared, or given room, in this order."""
    found = connections(release, most)
    assert {each.path.rpartition(".")[2]: each.value for each in found} == written
    assert all(each.reason for each in found)
