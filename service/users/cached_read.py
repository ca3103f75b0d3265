from service.fleet.cache import CachedRead
from service.users.schemas import MAX_USER_ID

USER_READ = CachedRead(
    collection="/api/users",
    item="/{user_id}",
    scope="users:read",
    key_prefix="users:",
    max_id=MAX_USER_ID,
)
