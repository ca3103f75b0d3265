from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TracingConfig:
    """Whose spans they are, how many, and where they go."""

    name: str
    version: str
    server_id: str
    environment: str
    sample_ratio: float
    endpoint: str
