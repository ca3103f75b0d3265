from typing import Literal

import asyncpg

Reason = Literal[
    "busy", "breaker", "connection", "failover", "timeout", "conflict", "refused", "full", "exhausted", "schema", "lag"
]

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_REASONS: dict[str, Reason] = {
    "25006": "failover",  # read_only_sql_transaction: the primary of before is a standby
    "57P01": "failover",  # admin_shutdown
    "57P02": "failover",  # crash_shutdown
    "57P03": "failover",  # cannot_connect_now: it starts, or stops
    "40001": "conflict",  # serialization_failure, and a replica's query that was in the way of its recovery
    "40P01": "conflict",  # deadlock_detected
    "53100": "exhausted",  # disk_full: what only reads goes on
    "53200": "exhausted",  # out_of_memory
    "53300": "full",  # too_many_connections: those that there are go on
    "55P03": "timeout",  # lock_not_available, by lock_timeout
    "57014": "timeout",  # query_canceled, by statement_timeout
    "3D000": "refused",  # invalid_catalog_name: there is no such database
    "42501": "schema",  # insufficient_privilege
    "42P01": "schema",  # undefined_table
    "42703": "schema",  # undefined_column
}
_REASONS_OF_CLASSES: dict[str, Reason] = {
    "08": "connection",
    "28": "refused",  # invalid authorization
    "53": "refused",  # a limit that someone has set
    "58": "exhausted",  # the operating system fails it
}

_ENDS = frozenset({"57P01", "57P02"})

EXPIRES_CONNECTIONS = frozenset({"connection", "failover"})
OPENS_BREAKER = frozenset({"connection", "failover", "refused"})
WORTH_A_SECOND_TRY = frozenset({"connection", "failover", "conflict"})
MEANS_AWAY = frozenset({"breaker", "connection", "failover", "refused", "full"})
MAY_MEAN_AWAY = frozenset({"busy", "timeout"})


class DatabaseUnavailableError(Exception):
    """The database could not be asked, or did not answer in time; a write `may_have_happened` nevertheless."""

    def __init__(self, reason: Reason, detail: str, *, may_have_happened: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.may_have_happened = may_have_happened


class ReplicaLagsError(Exception):
    """The server has not replayed what the answer must show."""


def reason_of(error: Exception) -> Reason | None:
    """Return what kind of failure `error` is; None if it is the server's answer to the statement itself."""
    match error:
        case TimeoutError():
            return "timeout"
        case ReplicaLagsError():
            return "lag"
        case asyncpg.PostgresError():
            state = error.sqlstate or ""
            return _REASONS.get(state) or _REASONS_OF_CLASSES.get(state[:2])
        case ValueError():  # asyncpg's word for an argument that the statement can't take: our own fault
            return None
        case asyncpg.InterfaceError() | asyncpg.InternalClientError() | OSError():
            return "connection"
    return None


def was_rolled_back(error: Exception) -> bool:
    """Whether the server said that it did not carry the statement out; one that goes down may have, before."""
    state = (error.sqlstate or "") if isinstance(error, asyncpg.PostgresError) else "08"
    return state not in _ENDS and not state.startswith("08")


def ends_its_connection(error: Exception) -> bool:
    """Whether it came with the end of a connection, whoever ended it, and not as an answer."""
    return reason_of(error) == "connection" or getattr(error, "sqlstate", None) in _ENDS
