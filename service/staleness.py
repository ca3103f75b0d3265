"""How old a read may be that need not be fresh: replicas keep to it, and the caches count on it."""

MAX_STALENESS_SECONDS = 1.0
