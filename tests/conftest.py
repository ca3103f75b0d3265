from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_process import RedisProcess


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """Start a real redis-server of this test's own."""
    process = RedisProcess(tmp_path)
    process.start()
    yield process
    process.kill()
