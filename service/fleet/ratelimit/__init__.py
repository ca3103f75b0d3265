"""A limit on requests per client that is exact over all replicas, and needs far fewer trips to Redis than requests."""

from .client_ip import ClientIPResolver
from .clients import Clients, SubjectOf, nobody
from .decision import Decision
from .limiter import RateLimiter
from .middleware import RateLimitMiddleware
from .policy import Override, Policies, Policy

__all__ = [
    "ClientIPResolver",
    "Clients",
    "Decision",
    "Override",
    "Policies",
    "Policy",
    "RateLimitMiddleware",
    "RateLimiter",
    "SubjectOf",
    "nobody",
]
