import time

import pytest

from loadtests.chaos.verdict import Bound
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.images import Images
from tests.chaos.sabotage import NO_RETRIES, NO_SHUTDOWN_DELAY, remove_pre_stop
from tests.chaos.traffic import MIX, RATE
from tests.chaos.values import FOUR
from tests.e2e.release import NAME, Release, kubectl

pytestmark = pytest.mark.chaos

# Helm's patience with an image that cannot start.
TIMEOUT_SECONDS = Extent(60, short=30)

NEW_IMAGE = Experiment(
    number=3,
    name="upgrade-new-image",
    promise="0 failed during `helm upgrade` to a new image at 200 requests/s",
    sabotage="no preStop sleep, no shutdown delay, no retries",
    values=FOUR,
    sabotaged={**NO_RETRIES, **NO_SHUTDOWN_DELAY},
    break_it=remove_pre_stop,
)
BROKEN_IMAGE = Experiment(
    number=3,
    name="upgrade-broken-image",
    promise="0 failed during `helm upgrade` to an image that cannot start, which Helm rolls back",
    sabotage="without Helm's rollback",
    values=FOUR,
)


@pytest.mark.full  # a restart of all pods is another template, too
def test_upgrade_to_a_new_image(start: Start, images: Images) -> None:
    """Helm replaces all pods by those of a new image under load, and no request fails."""
    run = start(NEW_IMAGE)
    with run.load(run.of(RATE), requests=MIX):
        time.sleep(2)
        before = run.release.pods()
        run.mark("helm upgrade")
        run.release.set_image(images.new)
        run.mark("upgraded")
        run.release.wait_until_gone(before)
        tags = _tags(run.release)
        nodes = {pod.node for pod in run.release.api_pods() if not pod.stopping}
        time.sleep(2)
    wanted = [moment.wanted for moment in run.moments if moment.wanted is not None]
    run.conclude(
        *run.failed_within(0),
        Bound("pods of another image", len(tags - {images.new}), at_most=0),
        Bound("nodes with new pods", len(nodes), at_least=2),
        Bound("most replicas wanted", max(wanted, default=0), at_least=4, at_most=4),
    )


def test_upgrade_to_a_broken_image(start: Start, images: Images) -> None:
    """Helm gives up on an image that cannot start and rolls back, and meanwhile no request fails."""
    run = start(BROKEN_IMAGE)
    before, template = _tags(run.release), _template_tag()
    with run.load(run.of(RATE), requests=MIX):
        time.sleep(2)
        run.mark("helm upgrade")
        seconds = f"{run.of(TIMEOUT_SECONDS)}s"
        with pytest.raises(AssertionError, match="UPGRADE FAILED"):
            run.release.set_image(images.broken, "--timeout", seconds, *(() if run.sabotaged else ("--atomic",)))
        run.mark("given up")
        after, template_after = _tags(run.release), _template_tag()
        time.sleep(2)
    run.conclude(
        *run.failed_within(0),
        Bound("pods of another image", len(after ^ before), at_most=0),
        Bound("rolled back", int(template == template_after), at_least=1),
    )


def _tags(release: Release) -> set[str]:
    """Image tags of the pods that serve."""
    return {_tag(pod.image) for pod in release.serving_pods()}


def _template_tag() -> str:
    """Image tag of the pods that the Deployment makes."""
    return _tag(kubectl("get", "deployment", NAME, "-o", "jsonpath={.spec.template.spec.containers[0].image}"))


def _tag(image: str) -> str:
    return image.rpartition(":")[2]
