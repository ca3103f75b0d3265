from fastapi import FastAPI

from .http import problem
from .http.body_limit import BodyLimitMiddleware
from .http.cors import CORSMiddleware
from .http.headers import HeaderMiddleware, RepeatedHeaderMiddleware
from .http.routing import RoutingMiddleware
from .http.security_headers import SecurityHeadersMiddleware
from .observability import metrics
from .observability.access_log import AccessLog, AccessLogMiddleware
from .observability.request_id import RequestIdMiddleware
from .overload import InFlight, InFlightMiddleware
from .ratelimit import Clients, Policies, RateLimiter, RateLimitMiddleware
from .settings.common import CommonSettings


def wrap(  # noqa: PLR0913 - by keyword only
    app: FastAPI,
    settings: CommonSettings,
    *,
    limiter: RateLimiter,
    policies: Policies,
    clients: Clients,
    limited_under: str,
    in_flight: InFlight,
    access_log: AccessLog,
    is_traced: bool,
) -> None:
    """Wrap the routes; what is added last is outermost."""
    app.add_middleware(RoutingMiddleware)
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    app.add_middleware(RepeatedHeaderMiddleware)
    if settings.rate_limit_enabled:
        app.add_middleware(
            RateLimitMiddleware,
            limiter=limiter,
            policies=policies,
            clients=clients,
            prefix=limited_under,
            exempt=metrics.OPERATIONAL_PATHS,
        )
    metrics.instrument(app)
    app.add_middleware(InFlightMiddleware, in_flight=in_flight, metrics=metrics.of_no_route(is_traced=is_traced))
    app.add_middleware(problem.UnexpectedErrorMiddleware)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"],
            expose_headers=[
                *("etag", "location", "ratelimit", "ratelimit-policy", "retry-after", "x-cache", "x-request-id"),
            ],
        )
    app.add_middleware(SecurityHeadersMiddleware, hsts=settings.is_production)
    app.add_middleware(AccessLogMiddleware, log=access_log)
    app.add_middleware(RequestIdMiddleware)
    app.add_middleware(HeaderMiddleware)
