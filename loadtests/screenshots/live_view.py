from collections.abc import Mapping
from pathlib import Path

from k8s.client.api import connect
from k8s.client.application import USERS_API
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from k8s.cluster.kind import CONTEXT
from loadtests.measure import Stage, open_load
from loadtests.ramp import ramp_for
from loadtests.target import require_answer
from loadtests.watch import View
from loadtests.watch.picture import picture

SECONDS = 60


def shot(folder: Path, environment: Mapping[str, str]) -> Path:
    """Watch a minute of a scale-out, and keep the screen.

    Raises:
        LoadTestError: there is no service to load, or no load that asks for more replicas.
        ClusterError: there is no cluster to see.
    """
    require_answer(environment["BASE_URL"], environment.get("TOKEN", "test-token"))
    api = connect(CONTEXT, retries=0)
    release = Release(api, USERS_API.namespace, USERS_API.release)
    view = View(
        CONTEXT,
        release,
        Prometheus(api, USERS_API.prometheus),
        window_seconds=20,
    )
    path = folder / "watch.svg"
    ramp = ramp_for(release.autoscaler())
    stages = (Stage(ramp.start, 10), Stage(ramp.start, 15, to_rate=ramp.peak), Stage(ramp.peak, SECONDS))
    with open_load(Path("build/screenshots"), stages, environment=environment, max_vus=400):
        picture(view, path, SECONDS)
    return path
