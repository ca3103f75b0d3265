"""All there is to set: names, types, defaults, bounds and what may not be combined, each said once.

The service reads them from its environment; the chart's values, their schema and their validation are made of them by
`python -m k8s.chart`. A setting is added by one line of `settings.py`, or of `fleet/settings/common.py` if it has
nothing to do with users.
"""

from service.fleet.settings.entries import RateLimitOverride
from service.fleet.settings.problems import ENTRIES, EX_USAGE, Problems
from service.settings.entries import StaticToken
from service.settings.environment import PREFIX
from service.settings.settings import TEST_TOKEN_SHA256, Settings

__all__ = [
    "EX_USAGE",
    "PREFIX",
    "TEST_TOKEN_SHA256",
    "RateLimitOverride",
    "Settings",
    "StaticToken",
    "problems",
]

problems = Problems(Settings, PREFIX, {**ENTRIES, "static_tokens": StaticToken}).of
