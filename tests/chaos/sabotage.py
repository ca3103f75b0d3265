from typing import Any

from tests.e2e.release import Release

# Without the second attempt of a request that found nobody: nothing hides what the release itself does.
NO_RETRIES: dict[str, Any] = {"routing": {"attempts": 1}}
NO_SHUTDOWN_DELAY: dict[str, Any] = {"config": {"shutdownDelaySeconds": 0}}


def remove_pre_stop(release: Release) -> None:
    """Have pods stop listening while they are still endpoints: the chart refuses to be told so."""
    release.patch("deployment", {"op": "remove", "path": "/spec/template/spec/containers/0/lifecycle"})


def remove_readiness(release: Release) -> None:
    """Call pods ready that do not serve yet, and go on so when they no longer do."""
    for probe in ("readinessProbe", "startupProbe"):
        release.patch("deployment", {"op": "remove", "path": f"/spec/template/spec/containers/0/{probe}"})
