from service.cache import etag_of
from service.users.schemas import User


def encode(user: User) -> bytes:
    """Return the one representation of a user, which its ETag is made of."""
    return user.model_dump_json().encode()


def etag_of_user(user: User, version: int) -> bytes:
    """Return the ETag of a user, as the caches make it."""
    return etag_of(encode(user), version)
