import math
from dataclasses import dataclass

from loadtests.measure import Answers


@dataclass(frozen=True)
class Latency:
    """Times from the request to the answer's last byte, over all requests of one kind; percentiles by nearest rank."""

    requests: int
    failed: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None

    @classmethod
    def of(cls, answers: Answers) -> "Latency":
        """Take the figures of some answers; None where there are no answers."""
        return cls(
            requests=len(answers),
            failed=len(answers.failed),
            mean_ms=known(answers.mean_ms),
            p50_ms=known(answers.percentile_ms(0.5)),
            p95_ms=known(answers.percentile_ms(0.95)),
            p99_ms=known(answers.percentile_ms(0.99)),
        )


def known(number: float) -> float | None:
    """Round to the microsecond of a figure in milliseconds; None for what is no number, as JSON has none for that."""
    return None if math.isnan(number) else round(number, 3)
