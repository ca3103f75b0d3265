from typing import NamedTuple


class Decision(NamedTuple):
    """What the limiter said to one request.

    `remaining` counts permits, `reset_seconds` runs until the oldest spent permit comes back (0 where none is spent).
    """

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
