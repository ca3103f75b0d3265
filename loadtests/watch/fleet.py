from dataclasses import replace

from k8s.client.release import Release
from loadtests.watch.snapshot import Fleet


def read_fleet(release: Release) -> Fleet:
    """Read a release's replicas and what scales them.

    Raises:
        ClusterError: the cluster does not answer, or has no such release.
    """
    told, ready = release.replicas()
    scaler = release.find_autoscaler()
    if scaler is not None:
        # In a fallback KEDA gives a made-up value that looks like one measured.
        fallback = {kind: each for kind, each in release.keda_conditions(scaler).items() if kind == "Fallback"}
        scaler = replace(scaler, conditions={**scaler.conditions, **fallback})
    return Fleet(
        deployment=release.deployment,
        wanted=scaler.wants(told) if scaler else told,
        ready=ready,
        pods=tuple(sorted(release.api_pods(), key=lambda pod: pod.created_at_s)),
        autoscaler=scaler,
    )
