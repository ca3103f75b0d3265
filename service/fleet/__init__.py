"""What an HTTP application needs to run as replicas that come and go. It knows nothing of users.

Imports in here are relative, as this is `service.fleet` in the repository and `fleet` in the wheel. What is listed is
loaded when it is asked for: commands that need a part alone do not wait for FastAPI.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .caching import cached
    from .installation import Fleet
    from .limits import limited
    from .repetitions import idempotent
    from .running import run
    from .settings.fleet_settings import FleetSettings

__all__ = ["Fleet", "FleetSettings", "cached", "idempotent", "limited", "run"]

_MODULES = {
    "Fleet": ".installation",
    "FleetSettings": ".settings.fleet_settings",
    "cached": ".caching",
    "idempotent": ".repetitions",
    "limited": ".limits",
    "run": ".running",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - each has its own type
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name], __name__), name)
