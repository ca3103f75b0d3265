from dataclasses import dataclass
from typing import Self

from ..settings.common import CommonSettings


@dataclass(frozen=True, slots=True)
class TracingConfig:
    """Whose spans they are, how many, and where they go."""

    name: str
    version: str
    server_id: str
    environment: str
    sample_ratio: float
    endpoint: str

    @classmethod
    def of(cls, settings: CommonSettings, *, version: str) -> Self:
        """Return what the settings say of it; the service is called as its variables are."""
        return cls(
            name=settings.variables.strip("_").lower().replace("_", "-"),
            version=version,
            server_id=settings.server_id,
            environment=settings.environment,
            sample_ratio=settings.otel_sample_ratio,
            endpoint=settings.otel_endpoint,
        )
