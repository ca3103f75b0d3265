"""Whether the service's connections fit the database with so many replicas: the sum that the chart checks at render."""

from collections.abc import Mapping
from typing import Any

from k8s.client.deployment import surge_of
from loadtests.tune.sizing import Value

# What each server takes where the chart sets it, and nobody says otherwise.
OWN_MAX_CONNECTIONS = 200
# A pool with fewer makes requests wait for each other.
SMALLEST_POOL = 4
POOLER = "postgresql.pooler.enabled"


def connections(values: Mapping[str, Any], most: int) -> list[Value]:
    """Give the values that make them fit; the first says the sum. Without a database there are none."""
    postgresql, config = values["postgresql"], values["config"]
    if postgresql["mode"] == "none":
        return []
    surge = surge_of(values["strategy"]["maxSurge"], most)
    each = (2 * most + surge) * config["workers"]
    pool, reserved, pooler = config["databasePoolSize"], postgresql["reservedConnections"], postgresql["pooler"]
    limit = postgresql["maxConnections"] or (0 if postgresql["mode"] == "external" else OWN_MAX_CONNECTIONS)
    free = max(0, limit - reserved)
    fits, room = free // each, list[Value]()
    if fits >= pool:
        size, why = pool, f"{free} of the server's {limit} are free"
    elif pooler["enabled"] and not _reads_replicas(postgresql):
        size, why = pool, "PgBouncer has fewer to the server"
    elif fits >= SMALLEST_POOL:
        size, why = fits, f"{pool} of each would be {each * pool}, and {free} of the server's {limit} are free"
    else:
        size, why = pool, f"only {free} of the server's {limit} are free, which the next value mends"
        room = [_room(postgresql, each * pool + reserved)]
    sum_of_it = f"({most} replicas + {surge} surge + {most} terminating) x {config['workers']} workers x {size}"
    budget = Value("config.databasePoolSize", size, f"{sum_of_it} = {each * size} connections at most; {why}")
    if pooler["enabled"] or any(value.path == POOLER for value in room):
        clients = max(pooler["maxClientConnections"], each * size)
        why = "one PgBouncer takes them all while the others are away"
        room.append(Value("postgresql.pooler.maxClientConnections", clients, why))
    return [budget, *room]


def _reads_replicas(postgresql: Mapping[str, Any]) -> bool:
    """Whether the service reads replicas of the database, each of which it has as many connections to."""
    match postgresql["mode"]:
        case "external":
            return bool(postgresql["external"]["replicas"])
        case "bundled":
            return bool(postgresql["replicas"])
        case _:
            return bool(postgresql["cloudnativepg"]["instances"] > 1)


def _room(postgresql: Mapping[str, Any], needed: int) -> Value:
    """Make room at the server, or where it is another's and no replica is read, in front of it."""
    if postgresql["mode"] == "external" and not _reads_replicas(postgresql):
        return Value(POOLER, value=True, reason="many pods share few connections")
    first = " (on the servers first)" if postgresql["mode"] == "external" else ""
    return Value("postgresql.maxConnections", needed, f"the connections, and those that are reserved{first}")
