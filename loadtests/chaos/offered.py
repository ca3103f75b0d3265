"""The experiments that need nothing of an application but an address to read at."""

from loadtests.chaos.planned import Planned
from loadtests.chaos.planned_pods import NodeDrained, PodDeleted, PodForceKilled, RollingRestart
from loadtests.chaos.planned_scaling import LoadStep, Scaling

# In the order of NAMES, and a step last: what it added leaves by itself.
OFFERED: tuple[type[Planned], ...] = (RollingRestart, PodDeleted, PodForceKilled, NodeDrained, Scaling, LoadStep)
