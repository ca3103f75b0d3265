from fastapi import APIRouter, Request
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import Response

from service.observability import workers
from service.settings import Settings

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Return all metrics, of all workers, in the format that the scraper prefers.

    The instrumentator's own endpoint knows the plain text format only, which has no place for exemplars. Not async, so
    that it runs in a thread: formatting takes milliseconds.
    """
    settings: Settings = request.app.state.settings
    registry = REGISTRY
    if settings.workers > 1:
        registry = CollectorRegistry()
        workers.forget_the_dead()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": content_type, "cache-control": "no-store"})
