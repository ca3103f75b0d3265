"""How many replicas there are, what the autoscaler wants, and why."""

from k8s.chart.dashboards.model import AUTOSCALED, Dashboard, Panel, Query, Row, lines, lines_by, number, stack_by
from k8s.chart.dashboards.promql import CONTAINERS, NAMESPACE, rate, select, total
from k8s.client.autoscaler import IN_FLIGHT_METRICS

# Each engine's has a name of its own.
AUTOSCALER = NAMESPACE + ',horizontalpodautoscaler=~"$release(-keda|-fixed)?"'
DEPLOYMENT = NAMESPACE + ',deployment="$release"'
BUDGET = NAMESPACE + ',poddisruptionbudget="$release"'
HOLDS = 'status="true"'
NODE_KNOWN = 'node!=""'
IN_FLIGHT = "|".join(IN_FLIGHT_METRICS)
# Of the metrics with a target for each replica; of CPU the autoscaler tells that mean too.
RATE = f'metric_name!~"cpu|memory|{IN_FLIGHT}"'


def _of_autoscaler(metric: str, *matchers: str) -> str:
    return select(f"kube_horizontalpodautoscaler_{metric}", *matchers, pods=AUTOSCALER)


def _autoscaler(metric: str, *matchers: str) -> str:
    """Return the one value of an autoscaler's metric, whichever pod of kube-state-metrics told it."""
    return f"max({_of_autoscaler(metric, *matchers)})"


def target(metric_type: str, *matchers: str) -> str:
    """Return what a metric of the autoscaler's should be."""
    return _autoscaler("spec_target_metric", f'metric_target_type="{metric_type}"', *matchers)


def _deployment(metric: str) -> str:
    return f"max({select(f'kube_deployment_{metric}', pods=DEPLOYMENT)})"


def _percent_of_request(by: str) -> str:
    """Return CPU in percent of what the pods ask for, as the autoscaler computes it."""
    requested = select("kube_pod_container_resource_requests", 'resource="cpu"', pods=CONTAINERS)
    # The join drops pods that are gone: their request ends before their last CPU sample does.
    used = f"rate({select('container_cpu_usage_seconds_total', pods=CONTAINERS)}[$__rate_interval])"
    group = f"sum by ({by})" if by else "sum"
    asked = f"{group} (max by (pod) ({requested}))"
    return f"100 * {group} (sum by (pod) ({used}) and on (pod) {requested}) / {asked}"


WANTED = _autoscaler("status_desired_replicas")
READY = _deployment("status_replicas_ready")

AT_A_GLANCE = Row(
    "At a glance",
    (
        number("Replicas ready", "Pods that answer requests now.", "short", READY),
        number(
            "Replicas wanted",
            "What the autoscaler has asked for.",
            "short",
            WANTED,
        ),
        number(
            "Room left",
            "Replicas the autoscaler may still add; at 0 more load is slower answers.",
            "short",
            f"{_autoscaler('spec_max_replicas')} - {WANTED}",
            warn_at=1,
            alarm_at=0.5,
            low_is_bad=True,
        ),
        number(
            "Autoscaler is active",
            "1 while it has a metric to act on; at 0 it keeps what there is, whatever the load.",
            "bool_yes_no",
            _autoscaler("status_condition", 'condition="ScalingActive"', HOLDS),
            warn_at=1,
            alarm_at=0.5,
            low_is_bad=True,
        ),
    ),
)

REPLICAS = Row(
    "Replicas",
    (
        lines(
            "Replicas",
            "Does the fleet follow what is wanted, and within which bounds?",
            "short",
            wanted=WANTED,
            ready=READY,
            least=_autoscaler("spec_min_replicas"),
            most=_autoscaler("spec_max_replicas"),
        ),
        stack_by(
            "node",
            "Replicas by node",
            "Would one node's end take them all?",
            "short",
            f"count by (node) ({select('kube_pod_info', NODE_KNOWN)})",
        ),
        Panel(
            "Conditions",
            "AbleToScale and ScalingActive should be 1; ScalingLimited is 1 at the least or most replicas.",
            "short",
            (
                Query(
                    f"max by (condition) ({_of_autoscaler('status_condition', HOLDS)})",
                    "{{condition}}",
                ),
            ),
        ),
        lines(
            "Replicas missing",
            "Wanted but not ready: starting, or with no node that has room.",
            "short",
            not_ready=f"clamp_min({WANTED} - {READY}, 0)",
            pending=total("kube_pod_status_phase", 'phase="Pending"'),
        ),
    ),
)

REASONS = Row(
    "Why",
    (
        lines(
            "Requests by replica",
            "The request rate that the autoscaler follows, beside its target; without one it follows CPU alone.",
            "reqps",
            a_replica=_autoscaler("status_target_metric", 'metric_target_type="average"', RATE),
            target=f"{target('average', RATE)} or on () 0 * {READY}",
        ),
        lines(
            "CPU of what is asked for",
            "Mean CPU in percent of the pods' requests, beside its target.",
            "percent",
            mean=_percent_of_request(""),
            target=target("utilization"),
        ),
        lines_by(
            "pod",
            "CPU of what is asked for, by replica",
            "Does the mean hide one that is busy?",
            "percent",
            _percent_of_request("pod"),
        ),
    ),
)

RESOURCES = Row(
    "What it takes",
    (
        lines_by(
            "pod",
            "CPU by replica",
            "Cores that each replica uses; a process of Python uses one at most.",
            "short",
            rate("container_cpu_usage_seconds_total", by="pod", pods=CONTAINERS),
        ),
        lines_by(
            "pod",
            "Memory by replica",
            "Is a replica near its limit, or growing without an end?",
            "bytes",
            total("container_memory_working_set_bytes", by="pod", pods=CONTAINERS),
        ),
    ),
)

TROUBLE = Row(
    "Trouble",
    (
        lines_by(
            "pod",
            "Restarts in an hour",
            "Containers that ended and were started again.",
            "short",
            f"sum by (pod) (increase({select('kube_pod_container_status_restarts_total')}[1h]))",
        ),
        lines(
            "Out of memory",
            "Processes killed at the memory limit in an hour.",
            "short",
            kills=f"sum(increase({select('container_oom_events_total', pods=CONTAINERS)}[1h]))",
        ),
        lines(
            "Disruptions allowed",
            "Pods that a drain may take now; 0 for long blocks the nodes' upgrades.",
            "short",
            allowed=f"max({select('kube_poddisruptionbudget_status_pod_disruptions_allowed', pods=BUDGET)})",
        ),
    ),
)

DASHBOARD = Dashboard(
    "autoscaling",
    "Autoscaling",
    "Replicas, what drives their number, and what stands in its way.",
    (AT_A_GLANCE, REPLICAS, REASONS, RESOURCES, TROUBLE),
    AUTOSCALED,
)
