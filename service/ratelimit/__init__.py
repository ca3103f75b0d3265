"""A limit on requests per client, right over all replicas, at a fraction of a Redis trip a request."""

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
