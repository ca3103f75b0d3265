"""Which settings may not stand together. The service refuses them at its start, the chart before it installs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when a setting is a value, is above it, is set at all, or is not."""

    setting: str
    operator: Literal["is", "above", "set", "unset"]
    value: str | int | bool = True

    def holds(self, settings: Mapping[str, Any]) -> bool:
        """Whether it is so."""
        found = settings[self.setting]
        if self.operator == "above":
            return bool(found > self.value)
        if self.operator == "unset":
            return not found
        return bool(found) if self.operator == "set" else bool(found == self.value)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is refused when all conditions hold; `{setting}` in the remedy stands for the name by which it is set."""

    conditions: tuple[Condition, ...]
    remedy: str


_IN_PRODUCTION = Condition("environment", "is", "production")

RULES = (
    Rule(
        (_IN_PRODUCTION, Condition("static_tokens", "set")),
        "{static_tokens}: static tokens don't expire, and production refuses them: leave them out and set"
        " {jwt_jwks_url}, or set {environment} to staging",
    ),
    Rule(
        (_IN_PRODUCTION, Condition("faults_enabled", "is")),
        "{faults_enabled} breaks the service on request: set it to false in production",
    ),
    Rule(
        (_IN_PRODUCTION, Condition("database_url", "unset")),
        "{database_url} names no server, and production refuses users that each process makes up: set it, or set"
        " {environment} to staging",
    ),
    Rule(
        (Condition("server", "is", "uvicorn"), Condition("workers", "above", 1)),
        "{workers} above 1 needs {server} gunicorn or granian, as uvicorn's own workers lose TCP_NODELAY, 40 ms a"
        " request: set that, or keep 1 and run more replicas",
    ),
    Rule(
        (Condition("database_replica_urls", "set"), Condition("database_url", "unset")),
        "{database_replica_urls} are of no use without the server that they follow: set {database_url} too",
    ),
    Rule(
        (Condition("jwt_jwks_url", "set"), Condition("jwt_jwks_file", "set")),
        "{jwt_jwks_url} and {jwt_jwks_file} both name the issuer's keys: keep one",
    ),
)
