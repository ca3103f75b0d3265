import asyncio

import pytest

from k8s.client import api
from loadtests.watch import View, panels
from loadtests.watch.app import WatchApp
from tests.screen import wait_for_screen
from tests.unit.loadtests.watch.replay import Replay

pytestmark = pytest.mark.anyio
SMALLEST = (80, 24)
ENOUGH_SECONDS = 60


def is_whole(seen: str) -> bool:
    """Whether each feed has brought something."""
    return all(word in seen for word in ("ready,", "p95 ", "cache ", "scaled ", "New size: "))


async def test_smallest_terminal_shows_all_of_it(view: View) -> None:
    """In 80 x 24 there are replicas, rate, latency, cache, limiter, breaker, autoscaler, each pod, and an event."""
    async with WatchApp(view).run_test(size=SMALLEST) as pilot:
        seen = await wait_for_screen(pilot, lambda text: is_whole(text) and "Unhealthy" in text and "q Quit" in text)
        assert max(map(len, seen.splitlines())) <= 80
        for words in (
            "5 ready, 5 wanted, of 2 to 8",
            "200: 113/s",
            "p50 ",
            "cache   L1 14%",
            "limiter 113/s pass, 0/s refused",
            "breaker OPEN in 6 of 6",
            "request rate 19.06 of 30 /s each",
            "cpu          48 of 80 %",
            "New size: 5; reason: ",
            "q Quit",
        ):
            assert words in seen
        assert view.fleet.value is not None
        for pod in view.fleet.value.pods:
            assert pod.name.removeprefix("users-api-") in seen
        assert seen.count("Ready ") >= view.fleet.value.ready


async def test_the_database_has_its_lines(view: View, replay: Replay) -> None:
    """In the smallest terminal too."""
    replay.play_database()
    async with WatchApp(view).run_test(size=SMALLEST) as pilot:
        seen = await wait_for_screen(pilot, lambda text: "database closed in 2, " in text)
        assert "0 of 32 in use, 0.0s behind" in seen


async def test_wide_terminal_shows_more_events_after_a_resize(view: View) -> None:
    """What grows with the window is the list of events."""
    async with WatchApp(view).run_test(size=SMALLEST) as pilot:
        small = await wait_for_screen(pilot, lambda text: is_whole(text) and "Unhealthy" in text)
        await pilot.resize_terminal(140, 50)
        await wait_for_screen(pilot, lambda text: is_whole(text) and text.count("Pod/") > small.count("Pod/"))


async def test_replicas_follow_the_cluster(view: View, replay: Replay) -> None:
    """What changes in the cluster changes on the screen, and both lines over time keep the steps."""
    replay.play("idle")
    async with WatchApp(view).run_test(size=SMALLEST) as pilot:
        await wait_for_screen(pilot, lambda text: " 6 wanted" not in text and "ready," in text)
        before = view.fleet.value
        replay.play("scaling")
        await wait_for_screen(pilot, lambda text: "4 ready, 6 wanted" in text and "Starting" in text)
        assert before is not None
        assert view.history.wanted[0] == before.wanted
        assert view.history.wanted[-1] == 6


async def test_cluster_that_falls_silent_leaves_the_last_look_with_its_age(
    view: View, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view says how old it is and why, stays on, and is fresh again when the cluster answers."""
    monkeypatch.setattr(api, "CALL_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(panels, "STALE_SECONDS", 1)
    async with WatchApp(view).run_test(size=(160, 40)) as pilot:
        await wait_for_screen(pilot, is_whole)
        replay.fall_silent()
        seen = await wait_for_screen(pilot, lambda text: text.count(" OLD") == 2 and "does not answer" in text)
        assert "5 ready, 5 wanted" in seen
        replay.speak_again()
        await wait_for_screen(pilot, lambda text: "OLD" not in text)


async def test_q_leaves_though_nobody_answers(view: View, replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call under way does not hold the app."""
    monkeypatch.setattr(api, "CALL_TIMEOUT_SECONDS", 0.3)
    replay.fall_silent()
    app = WatchApp(view)
    async with app.run_test(size=SMALLEST) as pilot:
        await wait_for_screen(pilot, lambda text: "does not answer" in text)
        await pilot.press("q")
        await asyncio.wait_for(app.wait_for_refresh() if app.is_running else asyncio.sleep(0), ENOUGH_SECONDS)
    assert not app.is_running
    assert "did not answer" in view.history.summary()


async def test_release_that_is_not_there_is_named_with_the_remedy(view: View, replay: Replay) -> None:
    """Where a panel would be stands what to do."""
    replay.answers["/apis/apps/v1/namespaces/users-api/deployments"]["items"].clear()
    async with WatchApp(view).run_test(size=(200, 40)) as pilot:
        seen = await wait_for_screen(pilot, lambda text: "make install" in text)
        assert "no release users-api in namespace users-api" in seen


async def test_no_color_draws_in_grey(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR no cell has a hue, and every state still has its word."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = WatchApp(view)
    async with app.run_test(size=SMALLEST) as pilot:
        await wait_for_screen(pilot, lambda text: "breaker OPEN" in text and "Stopping" in text)
        triplets = {
            color.get_truecolor()
            for y in range(SMALLEST[1])
            for segment in app.screen.render_line(y)
            if segment.style
            for color in (segment.style.color, segment.style.bgcolor)
            if color
        }
        assert triplets
        assert all(triplet.red == triplet.green == triplet.blue for triplet in triplets)


async def test_keda_s_fallback_stands_beside_the_metric(view: View, replay: Replay) -> None:
    """What KEDA says of its failing query is in the autoscaler's panel."""
    condition = {"type": "Fallback", "status": "True", "reason": "FallbackExists", "message": "a trigger fails"}
    path = "/apis/keda.sh/v1alpha1/namespaces/users-api/scaledobjects/users-api"
    replay.answers[path] = {"status": {"conditions": [condition]}}
    async with WatchApp(view).run_test(size=(120, 40)) as pilot:
        await wait_for_screen(pilot, lambda text: "Fallback=True FallbackExists: a trigger fails" in text)
