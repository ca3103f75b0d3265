import time
from typing import NamedTuple

from service.cache.shared import Shared
from service.http.state_key import StateKey

# Longer than from the look-up to the load of one request, and no longer: others' writes may have gone unheard if this
# process was frozen in between.
BELIEVED_SECONDS = 0.1


class Miss(NamedTuple):
    """That L2 has no entry to answer with, what it said nevertheless, and when (monotonic).

    It spares the look-up that follows the same question, and the same wait where Redis does not answer.
    """

    shared: Shared
    at: float

    @property
    def is_believed(self) -> bool:
        """Whether L2 need not be asked again."""
        return time.monotonic() - self.at < BELIEVED_SECONDS


KNOWN_MISS = StateKey[Miss]("cache_miss")
"""The miss that a layer further out has met, so that a request asks L2 once."""
