"""The bare route with the library installed: probes, drain, metrics, headers, problem documents, no limit, no cache."""

from loadtests.bench.rivals.bare_fastapi import app
from service.fleet import Fleet, FleetSettings

Fleet(app, FleetSettings(prefix="SHOP_", rate_limit_enabled=False))
__all__ = ["app"]
