import pytest

from loadtests.simulate.pod_model import PodModel, Served
from loadtests.simulate.settings import settings, values

MODEL = PodModel(capacity_rps=200, request_millicores=250)


def test_both_targets_of_the_chart_say_the_same() -> None:
    """At the chart's request-rate target a pod uses as much CPU as its CPU target."""
    chart = values()
    model = PodModel.of_chart(chart)
    wanted = chart["autoscaling"]["requestRate"]["targetPerReplica"]
    percent = chart["autoscaling"]["cpu"]["targetUtilizationPercent"]
    assert model.millicores(wanted) == pytest.approx(250 * percent / 100)
    mine = next(each for each in settings({}) if each.name == "chart")
    assert model.target_rps(mine) == pytest.approx(wanted)


@pytest.mark.parametrize(("cpu", "millicores"), [("100m", 100), ("0.5", 500), (2, 2000)])
def test_a_cpu_request_is_read_in_either_form(cpu: object, millicores: int) -> None:
    """Millicores with an m, cores without."""
    chart = values()
    chart["resources"]["requests"]["cpu"] = cpu
    assert PodModel.of_chart(chart).request_millicores == millicores


def test_a_pod_answers_at_most_a_cores_worth() -> None:
    """With a request of a quarter of a core, four times its capacity."""
    assert MODEL.ceiling_rps == 800


def test_ready_pods_share_what_comes() -> None:
    """Ten seconds of 100 req/s over two pods are 50 req/s for each."""
    served = Served([100.0] * 100, MODEL.ceiling_rps)
    served.advance(60, ready=2)
    assert served.rate(ready_at=0, now=60, window_seconds=60, scrape_seconds=15) == pytest.approx(50)


def test_the_rate_follows_as_the_window_fills() -> None:
    """After a step the rate grows with each scrape, and is whole once the first scrape within the window is past it."""
    served = Served([0.0] * 60 + [100.0] * 100, MODEL.ceiling_rps)
    served.advance(160, ready=1)
    seen = [served.rate(0, now, window_seconds=60, scrape_seconds=15) for now in (60, 74, 75, 90, 105, 130)]
    assert seen == pytest.approx([0, 0, 100 / 3, 200 / 3, 100, 100])


def test_a_fresh_pod_has_no_rate_until_it_was_scraped_twice() -> None:
    """And then only of its own time."""
    served = Served([100.0] * 100, MODEL.ceiling_rps)
    served.advance(50, ready=1)
    assert served.rate(ready_at=31, now=50, window_seconds=60, scrape_seconds=15) is None
    assert served.rate(ready_at=29, now=50, window_seconds=60, scrape_seconds=15) == pytest.approx(100)


def test_a_pod_saturates() -> None:
    """What no pod can answer is not in the rate that the autoscaler sees."""
    served = Served([5000.0] * 100, MODEL.ceiling_rps)
    served.advance(60, ready=1)
    assert served.rate(0, 60, window_seconds=60, scrape_seconds=15) == pytest.approx(800)


def test_without_pods_nothing_is_served() -> None:
    """And nothing is divided by them."""
    served = Served([100.0] * 100, MODEL.ceiling_rps)
    served.advance(60, ready=0)
    assert served.rate(0, 60, window_seconds=60, scrape_seconds=15) == 0
