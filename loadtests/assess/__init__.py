"""`python -m loadtests assess`: what an installed release does, beside what it is meant to do, as a report."""

from loadtests.assess.command import assess
from loadtests.assess.installation import Installation
from loadtests.assess.plan import FULL, QUICK

__all__ = ["FULL", "QUICK", "Installation", "assess"]
