import asyncpg
import pytest

from service.database import Database, DatabaseConfig
from service.fleet.idempotency import IdempotencyKey
from service.migrate import migrate
from service.seed import seed
from service.users.postgres import PostgresUserRepository
from service.users.schemas import UserCreate, UserUpdate
from tests.documented_roles import statements
from tests.postgres_process import PostgresProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

GRANTED = "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = 'users_app'"
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
# What whoever takes over a process of the service would like to do.
FORBIDDEN = (
    "CREATE TABLE mine (id int)",
    "DROP TABLE users",
    "TRUNCATE users",
    "ALTER TABLE users ADD COLUMN mine int",
    "SELECT setval('users_id_seq', 1)",
    "DELETE FROM alembic_version",
    "CREATE ROLE mine",
    "COPY users TO PROGRAM 'true'",
)


async def carry_out(url: str, said: list[str]) -> None:
    """Send each on a connection."""
    connection = await asyncpg.connect(url)
    for statement in said:
        await connection.execute(statement)
    await connection.close()


async def use(repository: PostgresUserRepository) -> None:
    """Do all that the service does with users."""

    def fits(_stored: object) -> None:
        """Hold, whatever is there."""

    key = IdempotencyKey("alice", "k", b"{}")
    ada = UserCreate(name="Ada", email="ada@example.com")
    created = await repository.create(ada, key)
    assert (await repository.create(ada, key)).is_repetition
    other = await repository.create(UserCreate(name="Grace", email="grace@example.com"))
    assert (await repository.get(created.user.id)).user == created.user
    assert [user.id for user in await repository.page(5, 10)] == [created.user.id, other.user.id]
    for precondition in (None, fits):
        assert await repository.update(other.user.id, UserUpdate(name=f"{precondition}"), precondition)
    assert await repository.delete(created.user.id)
    assert await repository.delete(other.user.id, fits)
    await repository.purge()


async def test_the_service_has_the_rights_it_needs_and_no_others(postgres: PostgresProcess) -> None:
    """With the roles as documented the owner migrates and seeds, and the service reads and writes, and not for long."""
    roles, defaults, limits, revoked = statements()
    for statement in (*roles, *limits):
        postgres.sql(statement)
    owner, app = (postgres.url("users", f"users_{role}") for role in ("owner", "app"))
    await carry_out(owner, defaults)
    await migrate(DatabaseConfig(owner))
    await carry_out(owner, revoked)
    await seed(DatabaseConfig(owner), 5)
    database = Database(DatabaseConfig(app))
    await database.start()
    await use(PostgresUserRepository(database, key_seconds=60))
    await database.aclose()
    connection = await asyncpg.connect(app)
    assert await connection.fetchval("SHOW transaction_timeout") == "5s"
    assert {(row["table_name"], row["privilege_type"]) for row in await connection.fetch(GRANTED)} == {
        *((table, right) for table in ("users", "idempotency_keys") for right in RIGHTS),
        ("alembic_version", "SELECT"),
    }
    for statement in FORBIDDEN:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()
