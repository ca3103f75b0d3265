"""Work in the background whose end or failure is always noticed."""

from .jobs import Jobs
from .outage import OutageLog
from .task import SupervisedTask

__all__ = ["Jobs", "OutageLog", "SupervisedTask"]
