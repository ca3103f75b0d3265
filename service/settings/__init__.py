"""All there is to set: names, types, defaults, bounds and what may not be combined, each said once.

The service reads them from its environment; the chart's values, their schema and their validation are made of them by
`python -m k8s.chart`. A setting is added by one line of `settings.py`.
"""

from service.settings.entries import RateLimitOverride, StaticToken
from service.settings.environment import PREFIX, service_links
from service.settings.problems import EX_USAGE, problems
from service.settings.settings import TEST_TOKEN_SHA256, Settings

__all__ = [
    "EX_USAGE",
    "PREFIX",
    "TEST_TOKEN_SHA256",
    "RateLimitOverride",
    "Settings",
    "StaticToken",
    "problems",
    "service_links",
]
