"""Work in the background that cannot end, or fail, unseen."""

from service.supervision.jobs import Jobs
from service.supervision.outage import OutageLog
from service.supervision.task import SupervisedTask

__all__ = ["Jobs", "OutageLog", "SupervisedTask"]
