"""How long each link of a scale-out takes after a step in load, from the scrape to the new pod's first answer."""

from loadtests.reaction.command import reaction
from loadtests.reaction.measure import measure_step
from loadtests.reaction.step import LINKS, Step, spent

__all__ = ["LINKS", "Step", "measure_step", "reaction", "spent"]
