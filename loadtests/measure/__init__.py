"""What the load tests measure with: an open load and every answer to it."""

from loadtests.measure.answers import Answer, Answers, Second
from loadtests.measure.load import READ, Load, Request, Stage, open_load
from loadtests.measure.offer import MOST_WAITING_SECONDS, Generator, Offered, offer

__all__ = [
    "MOST_WAITING_SECONDS",
    "READ",
    "Answer",
    "Answers",
    "Generator",
    "Load",
    "Offered",
    "Request",
    "Second",
    "Stage",
    "offer",
    "open_load",
]
