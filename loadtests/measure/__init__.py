"""What the load tests measure with: an open load and every answer to it."""

from loadtests.measure.answers import Answer, Answers, Second
from loadtests.measure.load import READ, Load, Request, Stage, open_load

__all__ = ["READ", "Answer", "Answers", "Load", "Request", "Second", "Stage", "open_load"]
