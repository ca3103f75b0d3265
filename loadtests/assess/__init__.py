"""`python -m loadtests assess`: a report that compares an installed release with its targets."""

from loadtests.assess.command import assess
from loadtests.assess.installation import Installation
from loadtests.assess.plan import FULL, QUICK

__all__ = ["FULL", "QUICK", "Installation", "assess"]
