import os
from collections.abc import Callable

from fastapi import APIRouter, Request
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import Response

from ..http.negotiation import media_ranges
from . import workers

router = APIRouter()
VERSIONS = frozenset({"version=0.0.1", "version=0.0.4", "version=1.0.0"})
"""Of the two formats, as Prometheus asks for them."""


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Return all metrics, of all workers, in the format that the scraper prefers.

    The instrumentator's own endpoint knows the plain text format only, which has no place for exemplars. Not async, so
    that it runs in a thread: formatting takes milliseconds.
    """
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        workers.forget_the_dead()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    encode, content_type = _choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": content_type, "cache-control": "no-store"})


def _choose_encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    """Choose by the client's preference; the library takes the first that it knows, and fails on odd versions."""
    ranges = sorted(media_ranges(accept), key=lambda item: -item[2])
    wanted = [
        ";".join((name, *parameters))
        for name, parameters, quality in ranges
        if quality > 0 and all(item in VERSIONS for item in parameters if item.startswith("version"))
    ]
    return choose_encoder(",".join(wanted))
