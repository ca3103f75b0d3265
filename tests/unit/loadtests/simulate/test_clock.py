import time

from loadtests.simulate.clock import Clock, compressed
from loadtests.simulate.settings import DEFAULTS, settings


def test_time_runs_faster_and_only_between_start_and_stop() -> None:
    """It stands at 0 before, and where it was stopped after."""
    clock = Clock(1000)
    assert clock.now() == 0
    clock.start()
    clock.sleep_until(50)
    clock.stop()
    stopped = clock.now()
    time.sleep(0.002)
    assert stopped >= 50
    assert clock.now() == stopped


def test_periods_are_divided_and_amounts_are_not() -> None:
    """A window of 300 s becomes 20 s, a fifth a minute a fifth in 4 s; the original stays."""
    behavior = {
        "scaleDown": {
            "stabilizationWindowSeconds": 300,
            "policies": [{"type": "Percent", "value": 20, "periodSeconds": 60}],
        }
    }
    divided, rounded = compressed(behavior, 15)
    assert divided["scaleDown"]["stabilizationWindowSeconds"] == 20
    assert divided["scaleDown"]["policies"] == [{"type": "Percent", "value": 20, "periodSeconds": 4}]
    assert rounded == []
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 300


def test_what_is_rounded_is_told() -> None:
    """A period of 20 s cannot be divided by 15: a second is the least, and stands for 15."""
    divided, rounded = compressed({"scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 20}]}}, 15)
    assert divided["scaleUp"]["policies"][0]["periodSeconds"] == 1
    assert rounded == ["scaleUp.Pods.periodSeconds: 20 s as 15 s"]


def test_the_charts_defaults_need_no_rounding() -> None:
    """Its figures are those of the behavior as it stands in values.yaml."""
    mine = next(each for each in settings({}) if each.name == DEFAULTS)
    assert compressed(dict(mine.behavior), 15)[1] == []
