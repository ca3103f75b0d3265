from abc import ABC, abstractmethod
from collections.abc import Callable

from loadtests.chaos.experiments import Found, Traffic
from loadtests.chaos.run import Promise, Run
from loadtests.chaos.site import Site
from loadtests.errors import LoadTestError

Say = Callable[[str], None]


class NotFollowedError(LoadTestError):
    """What was to be measured did not begin; the message says why, and what would make it."""


class Planned(ABC):
    """One experiment with one release."""

    name: str

    def __init__(self, site: Site, say: Say) -> None:
        self._site = site
        self._say = say
        self._traffic = Traffic(site.wish.rate)

    @property
    @abstractmethod
    def promise(self) -> Promise:
        """What must hold."""

    @abstractmethod
    def unfit(self) -> str:
        """Say why it does not apply to this release; empty: it does."""

    def unfit_now(self) -> str:
        """Say why it no longer applies when its turn has come."""
        return self.unfit()

    @abstractmethod
    def does(self) -> str:
        """Say what is done to it."""

    @property
    @abstractmethod
    def at_most_seconds(self) -> float:
        """How long the load may last."""

    @abstractmethod
    def perform(self, run: Run) -> Found:
        """Do it under load.

        Raises:
            LoadTestError: no load, or the release did not become whole again.
            ClusterError: the cluster does not answer, or refuses.
        """

    @property
    def at_most_requests(self) -> int:
        """How many may be sent."""
        return round(self._traffic.rate * self.at_most_seconds)
