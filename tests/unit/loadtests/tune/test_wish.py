import argparse
from pathlib import Path

import pytest

from loadtests.errors import LoadTestError
from loadtests.simulate.scenarios import SYNC_SECONDS
from loadtests.tune.options import add_options
from loadtests.tune.sizing import Measured
from loadtests.tune.wish import Wish

ENVIRONMENT = {"BASE_URL": "http://localhost:1", "TOKEN": "token", "USERS": "5"}


def _wish(*words: str) -> Wish:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return Wish.of(parser.parse_args(["--peak", "1000", *words]), ENVIRONMENT)


def test_only_the_peak_must_be_said() -> None:
    """The rest has defaults, and changes nothing in the cluster."""
    wish = _wish()
    assert (wish.stated.peak, wish.stated.low, wish.hold) == (1000, 100, None)
    assert (wish.target.base_url, wish.target.variables) == ("http://localhost:1", {"USERS": "5"})
    assert [_wish("--hold").hold, _wish("--hold", "3").hold] == [0, 3]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--low", "2000"], "is above --peak"),
        (["--step", "1"], "more than 1 times"),
        (["--hold", "-2"], "no such number"),
        (["--values", "nowhere.yaml"], "--values"),
    ],
)
def test_what_contradicts_itself_is_refused(words: list[str], said: str) -> None:
    """Before any load, with what is wrong."""
    with pytest.raises(LoadTestError, match=said):
        _wish(*words)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "x"])
def test_a_number_is_above_0(text: str) -> None:
    """A peak of nothing asks for nothing."""
    with pytest.raises(SystemExit):
        _wish("--low", text)


def test_the_reaction_is_stated_or_the_sum_of_its_links(tmp_path: Path) -> None:
    """Without `make reaction` it is the most that scrape, window, look and start take by the release's values."""
    (tmp_path / "mine.yaml").write_text("metrics: {scrapeIntervalSeconds: 7}")
    wish = _wish("--values", str(tmp_path / "mine.yaml"))
    assert wish.reaction(4)[0] == 7 + wish.values["autoscaling"]["requestRate"]["windowSeconds"] + SYNC_SECONDS + 4
    assert wish.reaction(None)[0] == wish.reaction(4)[0] - 4
    assert _wish("--reaction", "9").reaction(4) == (9, "as stated")


def test_each_value_that_follows_is_one_of_the_charts() -> None:
    """A path that the chart does not have would be refused by its schema."""
    wish = _wish()
    for each in wish.follow(Measured(200, 30, "as stated", cpu_millicores=100, memory_mebibytes=70)):
        *folders, name = each.path.split(".")
        place = wish.values
        for folder in folders:
            place = place[folder]
        assert name in place
