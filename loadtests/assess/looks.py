from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from loadtests.measure import Answer
from loadtests.users import Response

# Of reads after writes; where fewer tell, nothing is known of the others.
TELLING_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Look:
    """One read after a write."""

    answer: Answer
    """Its name: `user` or `list`."""
    age_seconds: float
    """From the write's acknowledgement to the start of the read."""
    by_writer: bool
    fresh: bool | None
    """Whether it has the write; None: no answer tells."""


@dataclass(frozen=True)
class Looks:
    """Reads of one client after writes that were acknowledged."""

    reads: int
    untold: int
    """Those without an answer that tells whether it has the write."""
    lacking: int
    """Those that showed what was before."""
    oldest_seconds: float
    """How long after the acknowledgement the last of them began; 0 without any."""
    last_seconds: float
    """How long after the acknowledgement the last read began that tells."""

    @classmethod
    def of(cls, looks: Iterable[Look]) -> "Looks":
        """Count some reads."""
        taken = list(looks)
        told = [look for look in taken if look.fresh is not None]
        lacking = [look.age_seconds for look in told if not look.fresh]
        last = max((look.age_seconds for look in told), default=0.0)
        return cls(len(taken), len(taken) - len(told), len(lacking), max(lacking, default=0.0), last)

    @property
    def words(self) -> str:
        """What was found."""
        untold = f", {self.untold:,} were not answered" if self.untold else ""
        return f"{self.lacking:,} of {self.reads:,} reads, up to {self.last_seconds:.1f} s after it, lack it{untold}"

    @property
    def telling(self) -> bool:
        """Whether there are enough of them to judge by."""
        return self.reads > 0 and self.reads - self.untold >= TELLING_SHARE * self.reads


def shows(response: Response | None, user_id: int, name: str) -> bool | None:
    """Whether an answer is the user by its name, or a page that begins with it; None: it does not tell."""
    if response is None or response.status not in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
        return None
    if response.status == HTTPStatus.NOT_FOUND:
        return False
    shown = response.json()
    user = next(iter(shown["items"]), {}) if "items" in shown else shown
    return bool(user.get("id") == user_id and user.get("name") == name)
