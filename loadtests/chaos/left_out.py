"""What `tests/chaos` does to releases of the users API alone, and why no other release can have it done."""

from collections.abc import Mapping

_OF_POSTGRESQL = (
    "connections",
    "migration",
    "pooler-killed",
    "primary-disk-full",
    "primary-frozen",
    "primary-killed",
    "primary-node-drained",
    "primary-node-stopped",
    "reads-and-writes",
    "replica-killed",
)
# By reason, the names of experiments.
WHY: Mapping[str, tuple[str, ...]] = {
    "upgrades to images that it builds on the users API's": ("upgrade-new-image", "upgrade-broken-image"),
    "uses memory up by the Python of the users API's image": ("container-oom-killed",),
    "freezes a container of Docker, which a node of the local cluster is": ("node-stopped",),
    "opens a port to one pod of the users API, past the way in": ("keep-alive", "hostile-clients"),
    "judges autoscaling.behavior of values that it installs": ("sawtooth", "steady"),
    "takes Prometheus, KEDA and metrics-server away from all releases": (
        "prometheus-away",
        "keda-away",
        "metrics-server-away",
    ),
    "installs config.rateLimit, which the users API counts by": ("refused-flood",),
    "needs redis.enabled, and metrics of the users API that tell whether Redis is used": (
        "redis-killed",
        "redis-blackholed",
        "redis-full",
        "redis-rescheduled",
    ),
    "leaks memory in the users API for half an hour": ("soak",),
    "floods the way in, which is others' too": ("overload",),
    "replaces the way in, which is others' too": ("way-in-restarted",),
    "installs applications of a planted capacity, which `make tune` is to find": ("tune-sleep", "tune-spin"),
    "needs postgresql.mode=bundled, and writes users": _OF_POSTGRESQL,
}


def left_out() -> dict[str, str]:
    """Give the reason of each, by its name."""
    return {name: f"does not apply: it {reason}" for reason, names in WHY.items() for name in names}
