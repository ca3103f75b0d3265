"""All statements on users. Columns are named: with `*` a new one breaks the statements that servers have prepared."""

from service.database.query import Query

EMAIL_CONSTRAINT = "users_email_key"
PURGED_AT_ONCE = 1000

_COLUMNS = "id, name, email, created_at, version"
_MICROSECONDS = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
# It grows with each change, and what a failover lost is not given to another value: see docs/decisions/0024.
_NEXT_VERSION = f"greatest(version + 1, {_MICROSECONDS})"

GET = Query("user_get", f"SELECT {_COLUMNS} FROM users WHERE id = $1")
# The ids as a text with commas. Of an array that it is given, the planner would count the ids, and plan each time anew
# for what it takes to be few. And asyncpg asks each new connection for an array's type, which takes longer than this.
_LISTED = "(SELECT string_to_array($1, ',')::bigint[])::bigint[]"
GET_MANY = Query("user_get_many", f"SELECT {_COLUMNS} FROM users WHERE id = ANY ({_LISTED})")
PAGE = Query("user_page", f"SELECT {_COLUMNS} FROM users WHERE id > $1 ORDER BY id LIMIT $2")
CREATE = Query(
    "user_create",
    f"INSERT INTO users (name, email, created_at, version) VALUES ($1, $2, now(), {_MICROSECONDS})"
    f" RETURNING {_COLUMNS}",
)
# Who comes second waits for the first to commit, and then finds its key; an expired key is as none.
CREATE_ONCE = Query(
    "user_create_once",
    f"""
    WITH claimed AS (
        INSERT INTO idempotency_keys AS earlier (name, fingerprint, user_id, version, created_at)
        VALUES ($3, $4, nextval('users_id_seq'), {_MICROSECONDS}, now())
        ON CONFLICT (name) DO UPDATE SET
            fingerprint = excluded.fingerprint,
            user_id = excluded.user_id,
            version = excluded.version,
            created_at = excluded.created_at
        WHERE earlier.created_at < now() - make_interval(secs => $5)
        RETURNING user_id, version, created_at
    )
    INSERT INTO users ({_COLUMNS})
    SELECT user_id, $1, $2, created_at, version FROM claimed
    RETURNING {_COLUMNS}
    """,
)
FIND_KEY = Query(
    "key_find",
    "SELECT fingerprint, user_id, version, created_at FROM idempotency_keys"
    " WHERE name = $1 AND created_at >= now() - make_interval(secs => $2)",
)
PURGE_KEYS = Query(
    "key_purge",
    f"""
    DELETE FROM idempotency_keys WHERE name IN (
        SELECT name FROM idempotency_keys WHERE created_at < now() - make_interval(secs => $1)
        ORDER BY created_at LIMIT {PURGED_AT_ONCE} FOR UPDATE SKIP LOCKED
    ) RETURNING name
    """,
)
# What changes nothing leaves the version.
_UPDATE = f"""
    UPDATE users SET
        name = coalesce($2, name),
        email = coalesce($3, email),
        version = CASE WHEN (coalesce($2, name), coalesce($3, email)) = (name, email) THEN version
                       ELSE {_NEXT_VERSION} END
    WHERE id = $1%s
    RETURNING {_COLUMNS}
"""
UPDATE = Query("user_update", _UPDATE % "")
UPDATE_VERSION = Query("user_update_version", _UPDATE % " AND version = $4")
DELETE = Query("user_delete", f"DELETE FROM users WHERE id = $1 RETURNING {_NEXT_VERSION} AS version")
DELETE_VERSION = Query(
    "user_delete_version",
    f"DELETE FROM users WHERE id = $1 AND version = $2 RETURNING {_NEXT_VERSION} AS version",
)

# Seeding, in chunks: what is there stays, and what was deleted comes back as something newer.
SEED_TABLE = "seed"
SEED_COLUMNS = ("id", "name", "email", "created_at")
MAKE_SEED_TABLE = (
    f"CREATE TEMPORARY TABLE {SEED_TABLE} ON COMMIT DROP AS SELECT {', '.join(SEED_COLUMNS)} FROM users LIMIT 0"
)
INSERT_SEED = f"""
    INSERT INTO users ({_COLUMNS}) SELECT id, name, email, created_at, {_MICROSECONDS} FROM {SEED_TABLE}
    ON CONFLICT DO NOTHING
"""
# Ids that were given are not given again.
MOVE_SEQUENCE = "SELECT setval('users_id_seq', greatest(max(id), (SELECT last_value FROM users_id_seq))) FROM users"
