"""A limit on requests per client that is exact over all replicas, and needs far fewer trips to Redis than requests."""

from service.ratelimit.client_ip import ClientIPResolver
from service.ratelimit.decision import Decision
from service.ratelimit.limiter import RateLimiter
from service.ratelimit.middleware import RateLimitMiddleware
from service.ratelimit.policy import Override, Policies, Policy

__all__ = [
    "ClientIPResolver",
    "Decision",
    "Override",
    "Policies",
    "Policy",
    "RateLimitMiddleware",
    "RateLimiter",
]
