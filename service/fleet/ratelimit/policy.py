import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.routing import compile_path

from .decision import Decision

MAX_PLAIN_SUBJECT = 64
Bucket = tuple[str, int, float]
"""A name, and how many requests may be spent of it in how many seconds: what `RateLimiter` counts by."""


@dataclass(frozen=True, slots=True)
class Override:
    """Another limit for one route, one subject, or one subject on one route."""

    requests: int
    window_seconds: float
    route: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A named limit and its header fields (draft-ietf-httpapi-ratelimit-headers-11)."""

    name: str
    requests: int
    window_seconds: float
    policy_header: tuple[bytes, bytes] = field(init=False, repr=False)
    _limit_value: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        value = f'"{self.name}";q={self.requests};w={self.window_seconds:g}'
        object.__setattr__(self, "policy_header", (b"ratelimit-policy", value.encode()))
        object.__setattr__(self, "_limit_value", f'"{self.name}";r=%d;t=%d'.encode())

    def headers(self, decision: Decision) -> list[tuple[bytes, bytes]]:
        """RateLimit-Policy and RateLimit: quota and window, permits left and seconds until spent ones come back."""
        value = self._limit_value % (decision.remaining, decision.reset_seconds)
        return [self.policy_header, (b"ratelimit", value)]

    def subject_bucket(self, subject: str) -> Bucket:
        """What a token's subject spends of; long ones are hashed, as names are held in memory here and in Redis."""
        if len(subject) > MAX_PLAIN_SUBJECT:
            subject = hashlib.blake2b(subject.encode(), digest_size=16).hexdigest()
        return f"{self.name}:subject:{subject}", self.requests, self.window_seconds

    def address_bucket(self, address: str) -> Bucket:
        """What a client spends of that is known by its address only."""
        return f"{self.name}:address:{address}", self.requests, self.window_seconds


class Policies:
    """Finds the policy of a request: the override that says most about it, else the default."""

    def __init__(self, requests: int, window_seconds: float, overrides: Sequence[Override] = ()) -> None:
        self.default = Policy("default", requests, window_seconds)
        self._by_subject: dict[str, Policy] = {}
        self._by_route: list[tuple[str | None, str, Policy]] = []
        for number, override in enumerate(overrides, start=1):
            policy = Policy(f"override-{number}", override.requests, override.window_seconds)
            if override.route is not None:
                self._by_route.append((override.subject, override.route, policy))
            elif override.subject is not None:
                self._by_subject[override.subject] = policy
            else:
                raise ValueError("a rate limit override needs a route, a subject or both")
        # Overrides of a subject on a route come before those of the route.
        self._by_route.sort(key=lambda entry: entry[0] is None)
        self._patterns = [(subject, compile_path(route)[0], policy) for subject, route, policy in self._by_route]

    def find(self, path: str, subject: str | None) -> Policy:
        """The policy for `subject` (None: not authenticated) on the request path `path`."""
        for wanted, pattern, policy in self._patterns:
            if wanted in (None, subject) and pattern.match(path):
                if wanted is None and subject in self._by_subject:
                    continue
                return policy
        if subject is not None and self._by_subject:
            return self._by_subject.get(subject, self.default)
        return self.default
