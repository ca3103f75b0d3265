"""Redis as a part that may fail: every call bounded, batched, and given up on quickly.

What the service needs of redis-py is had from here, so that this is what loads it.
"""

import sys

# redis-py loads OpenTelemetry's SDK where it finds it, for metrics that nobody takes from it: 51 modules, a tenth of
# the CPU of a start. Told that there is none, it goes without. Where there is tracing, that loads the SDK.
_SDK = "opentelemetry.sdk.metrics"
if _SDK not in sys.modules:  # pragma: no branch - only tests may have loaded it before
    sys.modules[_SDK] = None  # type: ignore[assignment] # as importlib is told that a module is not there
    import redis.asyncio  # noqa: F401 - for what it does

    del sys.modules[_SDK]

from redis.asyncio.client import PubSub
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError

from .client import RedisClient
from .config import RedisConfig
from .errors import RedisUnavailableError
from .off import NoRedis

__all__ = [
    "NoRedis",
    "NoScriptError",
    "OutOfMemoryError",
    "PubSub",
    "RedisClient",
    "RedisConfig",
    "RedisError",
    "RedisUnavailableError",
]
