import asyncpg
import pytest
from asyncpg.exceptions import InternalClientError, TargetServerAttributeNotMatched

from service.database.errors import Reason, reason_of, was_rolled_back


@pytest.mark.parametrize(
    ("error", "reason", "rolled_back"),
    [
        (asyncpg.ReadOnlySQLTransactionError(""), "failover", True),
        (asyncpg.AdminShutdownError(""), "failover", False),
        (asyncpg.CrashShutdownError(""), "failover", False),
        (asyncpg.CannotConnectNowError(""), "failover", True),
        (asyncpg.ConnectionDoesNotExistError(""), "connection", False),
        (asyncpg.PostgresConnectionError(""), "connection", False),
        (asyncpg.InterfaceError("connection is closed"), "connection", False),
        (TargetServerAttributeNotMatched(""), "connection", False),
        (InternalClientError(""), "connection", False),
        (ConnectionRefusedError(), "connection", False),
        (TimeoutError(), "timeout", False),
        (asyncpg.QueryCanceledError(""), "timeout", True),
        (asyncpg.LockNotAvailableError(""), "timeout", True),
        (asyncpg.SerializationError(""), "conflict", True),
        (asyncpg.DeadlockDetectedError(""), "conflict", True),
        (asyncpg.TooManyConnectionsError(""), "full", True),
        (asyncpg.ConfigurationLimitExceededError(""), "refused", True),
        (asyncpg.InvalidPasswordError(""), "refused", True),
        (asyncpg.DiskFullError(""), "exhausted", True),
        (asyncpg.PostgresIOError(""), "exhausted", True),
        (asyncpg.InvalidCatalogNameError(""), "refused", True),
        (asyncpg.UndefinedTableError(""), "schema", True),
        (asyncpg.UniqueViolationError(""), None, True),
        (asyncpg.PostgresError(""), None, True),
    ],
)
def test_what_a_failure_means(error: Exception, reason: Reason | None, rolled_back: bool) -> None:  # noqa: FBT001
    """Each way in which a server fails has its reason, and a write may have happened unless the server denies it."""
    assert reason_of(error) == reason
    assert was_rolled_back(error) == rolled_back


def test_what_is_our_own_fault_is_no_failure_of_the_server() -> None:
    """Neither an argument that a statement can't take, nor a bug."""
    assert reason_of(ValueError()) is None
    assert reason_of(RuntimeError()) is None
