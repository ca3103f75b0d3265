from collections.abc import Sequence

from loadtests.timeline.sample import Sample

HEADER = " time  wanted  ready   req/s   CPU %  p95 ms  failed"


def row(sample: Sample) -> str:
    """One line of the table."""
    return (
        f"{sample.time_s:4d}s {sample.desired:7d} {sample.ready:6d} {_number(sample.rps):>7} "
        f"{_number(sample.cpu_percent):>7} {_number(sample.p95_ms):>7} {sample.failed_total:7d}"
    )


def table(samples: Sequence[Sample], every_seconds: int = 15) -> str:
    """The record in lines: one each `every_seconds`, and one wherever the replicas changed."""
    lines = [HEADER]
    for index, sample in enumerate(samples):
        before = samples[index - 1] if index else None
        changed = before is None or (before.desired, before.ready) != (sample.desired, sample.ready)
        is_last = index == len(samples) - 1
        if changed or is_last or sample.time_s % every_seconds == 0:
            lines.append(row(sample))
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
