import ssl

import pytest

from service.fleet.redis_client import RedisClient, RedisConfig

pytestmark = pytest.mark.anyio


async def test_a_redis_may_have_an_authority_without_extensions() -> None:
    """A certificate is asked for with Redis' name, signed by whom the URL names, and for nothing beyond."""
    client = RedisClient(RedisConfig("rediss://127.0.0.1/0"))
    context = client._pool.make_connection().ssl_context.get()  # type: ignore[no-untyped-call]
    assert context.check_hostname
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
