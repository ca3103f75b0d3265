from collections.abc import Iterator

import pytest
from kubernetes import client

from tests.unit.k8s.client.api_server import serving


@pytest.fixture
def api() -> Iterator[client.ApiClient]:
    """Connect to the stand-in."""
    with serving() as api:
        yield api
