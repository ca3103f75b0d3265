from collections.abc import Sequence

from loadtests.ramp import Ramp
from loadtests.timeline.sample import Sample


def reasons_to_fail(samples: Sequence[Sample], ramp: Ramp) -> list[str]:
    """Say in what the replicas did not follow the load; empty: they did."""
    if not samples:
        return ["nothing was recorded"]
    reasons = []
    peak = max(sample.ready for sample in samples)
    if peak < ramp.replicas:
        wanted = max(sample.desired for sample in samples)
        reasons.append(
            f"replicas ready went to {peak} only ({wanted} wanted), not from {ramp.minimum} to the {ramp.replicas} "
            f"that {ramp.peak:,} requests a second ask for: see `kubectl describe hpa` in the release's namespace"
        )
    last = samples[-1]
    if (last.desired, last.ready) != (ramp.minimum, ramp.minimum):
        reasons.append(
            f"replicas did not come back to {ramp.minimum}: {last.desired} wanted, {last.ready} ready at the end"
        )
    return reasons
