from collections.abc import Sequence

from loadtests.timeline.sample import Sample

# What the ramp has to show: ten times the load, at least three times the replicas.
SCALE_OUT = 3


def reasons_to_fail(samples: Sequence[Sample], minimum: int) -> list[str]:
    """Say in what the replicas did not follow the load; empty: they did.

    `minimum` is the autoscaler's least number of replicas.
    """
    if not samples:
        return ["nothing was recorded"]
    reasons = []
    peak = max(sample.ready for sample in samples)
    if peak < SCALE_OUT * minimum:
        wanted = max(sample.desired for sample in samples)
        reasons.append(
            f"replicas ready went to {peak} only ({wanted} wanted), not to {SCALE_OUT} x the minimum of {minimum}: "
            "see `kubectl describe hpa` in the release's namespace"
        )
    last = samples[-1]
    if (last.desired, last.ready) != (minimum, minimum):
        reasons.append(f"replicas did not come back to {minimum}: {last.desired} wanted, {last.ready} ready at the end")
    return reasons
