"""How old a read may be: replicas keep to it, and the caches count on it."""

from enum import Enum

MAX_STALENESS_SECONDS = 1.0


class Freshness(Enum):
    """What a read may miss."""

    RECENT = "what was written up to `MAX_STALENESS_SECONDS` ago"
    PREFERRED = "nothing, unless the server that knows of all writes is away"
    REQUIRED = "nothing: there is no answer rather than an older one"
