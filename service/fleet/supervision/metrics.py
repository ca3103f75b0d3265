"""The label `task` is the name that the code gives a task or a job: a closed set."""

from prometheus_client import Counter, Gauge

from ..names import METRICS

RUNNING = Gauge(
    f"{METRICS}background_task_running",
    "1 while a supervised task runs, 0 while it waits to be started again.",
    ["task"],
    multiprocess_mode="livemin",
)
RESTARTS = Counter(
    f"{METRICS}background_task_restarts_total", "Supervised tasks started again after they ended.", ["task"]
)
JOB_FAILURES = Counter(
    f"{METRICS}background_job_failures_total", "Jobs in the background that ended in an exception.", ["task"]
)
