from pydantic import TypeAdapter

from service.fleet.cache import etag_of
from service.users.schemas import User

_SERIALIZER = TypeAdapter(User).serializer


def encode(user: User) -> bytes:
    """Return the one representation of a user, which its ETag is made of."""
    return _SERIALIZER.to_json(user)


def etag_of_user(user: User, version: int) -> bytes:
    """Return the ETag of a user, as the caches make it."""
    return etag_of(encode(user), version)
