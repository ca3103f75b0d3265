"""Work in the background whose end or failure is always noticed."""

from service.supervision.jobs import Jobs
from service.supervision.outage import OutageLog
from service.supervision.task import SupervisedTask

__all__ = ["Jobs", "OutageLog", "SupervisedTask"]
