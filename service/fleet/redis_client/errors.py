from redis.exceptions import RedisError


class RedisUnavailableError(RedisError):
    """Redis did not answer in time, refused the connection, or is being left alone.

    A `RedisError`, so callers that fall back catch one type for this and for a command that Redis itself refused.
    """
