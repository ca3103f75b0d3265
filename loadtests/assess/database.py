from loadtests.assess.installation import Installation

NONE = "the release has no database (postgresql.mode=none): each replica makes up users of its own"
_NAMES = frozenset({"USERS_API_DATABASE_URL", "USERS_API_DATABASE_USERNAME"})


def has_database(installation: Installation) -> bool:
    """Whether the release keeps its users in a database: its environment says so, or its metrics where that is hidden.

    Raises:
        ClusterError: the cluster does not answer; or only Prometheus could tell, and does not.
    """
    release = installation.release
    containers = release.read()["spec"]["template"]["spec"]["containers"]
    if any(variable["name"] in _NAMES for container in containers for variable in container.get("env", ())):
        return True
    # The chart's own ConfigMap, which has no address without a login beside it; what else may be in a Secret.
    if all(len(container.get("envFrom", ())) <= 1 for container in containers):
        return False
    prefix = installation.application.metrics.prefix
    return bool(prefix and installation.prometheus.query(f"{prefix}database_available{{{release.series}}}"))
