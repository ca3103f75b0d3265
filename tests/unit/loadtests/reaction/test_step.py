import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k8s.client.application import USERS_API, Application
from k8s.client.autoscaler import read_autoscaler
from k8s.client.prometheus import Prometheus, Sample
from k8s.client.release import Release
from k8s.cluster.revision import revision
from loadtests.errors import LoadTestError
from loadtests.measure import Answer
from loadtests.reaction import signal
from loadtests.reaction.measure import absent, mix, step_at
from loadtests.reaction.observer import Observer, Seen
from loadtests.reaction.report import BEGIN, END, document, table, write
from loadtests.reaction.signal import Signal, crossing, first_scrape, read_signals
from loadtests.reaction.step import LINKS, Step, spent

FAILED: Any = {"reason": "New size: 4", "requests": 100, "failed": 1, "reasons": {"503": 1}}
STEP = Step(2.0, 6.0, 6.2, 9.0, 9.1, 9.1, 10.0, 12.0, 12.5, **FAILED)


def _pod(name: str, *, node: str = "", running: bool = False, ready: bool = False) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"nodeName": node} if node else {},
        "status": {
            "containerStatuses": [
                {"state": {"running": {"startedAt": "1970-01-01T00:00:06Z"}} if running else {"waiting": {}}}
            ],
            "conditions": [{"type": "Ready", "status": str(ready)}],
        },
    }


class RecordedPrometheus(Prometheus):
    """Has one series."""

    def __init__(self, *values: tuple[float, float]) -> None:
        super().__init__(None, "")
        self._values = values

    def query_range(self, promql: str, from_s: float, to_s: float, step_seconds: float) -> list[Sample]:
        """Give it, whatever was asked."""
        assert promql
        assert step_seconds < 1
        return [Sample({}, tuple(each for each in self._values if from_s <= each[0] <= to_s))]


def test_step_is_found_where_requests_become_dense() -> None:
    """The first request at the new rate is the step, to the spacing of the old one."""
    slow = [Answer(100 + each / 20, 1, 200) for each in range(200)]
    fast = [Answer(110 + each / 200, 1, 200) for each in range(200)]
    found = step_at([*slow, *fast], 20, 10)
    assert found == pytest.approx(110, abs=0.3)


def test_no_step_is_none() -> None:
    """A load that stayed as it was had no step."""
    assert step_at([Answer(each / 20, 1, 200) for each in range(200)], 20, 10) is None


def test_growth_is_of_new_pods_alone() -> None:
    """Old pods' changes say nothing, and each state counts from when it was seen, the start from its own second."""
    observer = Observer(None, Release(None, "users-api", "users-api"))
    observer.scalers = [Seen(3, {"status": {"desiredReplicas": 2}}), Seen(5, {"status": {"desiredReplicas": 4}})]
    observer.pods = [
        Seen(1, _pod("old", node="a", running=True, ready=True)),
        Seen(6, _pod("new")),
        Seen(7, _pod("new", node="a")),
        Seen(8, _pod("new", node="a", running=True)),
        Seen(9, _pod("new", node="a", running=True, ready=True)),
    ]
    assert observer.times_of_growth({"old", "older"}, after_s=2) == {
        "decided": 5,
        "created": 6,
        "scheduled": 7,
        "started": 7,
        "ready": 9,
    }


def test_own_time_is_since_the_latest_link_before() -> None:
    """The links' own times add up to the last one's, though one was early and one not seen."""
    step = Step(2, 6, None, 5, 7, 7, 8, 10, 11)
    own = spent(step)
    assert own["external"] is None
    assert own["decided"] == 0
    assert sum(value for value in own.values() if value is not None) == 11


def test_first_scrape_is_the_sample_s_own_time() -> None:
    """A sample from before the step holds nothing of it."""
    prometheus = RecordedPrometheus((10, 8.5), (10.25, 8.5), (10.5, 10.4))
    assert first_scrape(prometheus, 'requests{pod="a"}', 10, 20) == 10.4


def test_crossing_is_the_first_value_above_what_is_bearable() -> None:
    """At the bound itself the autoscaler still does nothing."""
    rate = Signal("request rate", "sum(rate(x[20s]))", "s1-prometheus", "", target=30, tolerance=0.1)
    prometheus = RecordedPrometheus((1, 40), (2, 66), (3, 67))
    assert crossing(prometheus, rate.query, rate.bearable(2), 0, 10) == 3
    assert crossing(prometheus, rate.query, rate.bearable(3), 0, 10) is None


def test_table_has_a_row_for_each_link_and_says_what_failed() -> None:
    """Percentiles are over the runs that saw the link."""
    lines = table([STEP, Step(3, None, 6.2, 9, 9.1, 9.1, 10, 14, 15, requests=50)]).splitlines()
    assert len(lines) == 2 + len(LINKS) + 2
    assert "| it is Ready | 12.0 | 14.0 | 2.0 | 2 of 2 |" in lines
    assert lines[3].endswith("| 1 of 2 |")
    assert lines[-1] == "150 requests since the steps, 1 of them failed (503: 1)."


def test_what_cannot_be_seen_of_an_application_has_no_row() -> None:
    """An answer that names no pod is no link, nor a scrape of pods that count nothing; the key for either is told."""
    missing = absent(Application("shop", "shop", file="app.yaml"))
    assert list(missing) == ["scraped", "answered"]
    lines = table([replace(STEP, scraped=None, answered=None)], missing).splitlines()
    assert len([line for line in lines if line.startswith("| ")]) == 2 + len(LINKS) - 2
    assert lines[-1].startswith(
        "*a client has its first answer* does not apply: app.yaml says nothing of replica.path, "
    )
    assert lines[-3].startswith("*Prometheus has a sample of the new rate* does not apply: app.yaml says nothing of ")
    assert absent(USERS_API) == {}


def test_each_application_is_asked_who_answers_as_it_tells() -> None:
    """Where it does not tell, all that is sent is what loads it."""
    read, who = mix(USERS_API)
    assert (who.path, who.server_field, who.weight) == ("/api/health", "server_id", 1)
    assert mix(Application("shop", "shop")) == (read,)


def test_table_tells_two_queries_apart() -> None:
    """Where the autoscaler follows requests in flight too, each query has a row of its own under the earlier one's."""
    both = [replace(STEP, signals={"in flight": at, "request rate": 6.0}) for at in (2.5, None)]
    lines = table(both).splitlines()
    assert lines[4:6] == [
        "| - that of in flight | 2.5 | 2.5 | | 1 of 2 |",
        "| - that of request rate | 6.0 | 6.0 | | 2 of 2 |",
    ]
    assert lines[3].startswith("| a query is above the target")


def _serving(api: dict[str, Any]) -> Callable[..., Any]:
    def get(_: object, path: str) -> Any:  # noqa: ANN401 - JSON
        return api[path.rpartition("/")[2]]

    return get


def _external(place: int, target: str) -> dict[str, Any]:
    labels = {"matchLabels": {"scaledobject.keda.sh/name": "users-api"}}
    metric = {"name": f"s{place}-prometheus", "selector": labels}
    return {"type": "External", "external": {"metric": metric, "target": {"averageValue": target}}}


def _trigger(kind: str, query: str = "") -> dict[str, Any]:
    return {"type": kind, "metadata": {"query": query}}


@pytest.mark.parametrize(
    ("triggers", "metrics", "names"),
    [
        ([_trigger("cpu"), _trigger("prometheus", "rate")], [_external(1, "30")], {"request rate": ("rate", 30)}),
        (
            [_trigger("prometheus", "gauge"), _trigger("cpu"), _trigger("prometheus", "rate")],
            [_external(2, "30"), _external(0, "7500m")],
            {"request rate": ("rate", 30), "in flight": ("gauge", 7.5)},
        ),
        ([_trigger("prometheus", "gauge"), _trigger("cpu")], [_external(0, "10")], {"in flight": ("gauge", 10)}),
    ],
)
def test_signals_are_told_apart_by_their_triggers_places(
    triggers: list[Any], metrics: list[Any], names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each query goes with the metric that KEDA made of it, in whatever order the HPA has them."""
    target = {"kind": "Deployment", "name": "users-api"}
    scaled = {
        "metadata": {"name": "users-api"},
        "spec": {"scaleTargetRef": {"name": "users-api"}, "triggers": triggers},
    }
    hpa = {
        "metadata": {"name": "users-api-keda"},
        "spec": {"scaleTargetRef": target, "metrics": metrics, "maxReplicas": 8},
    }
    monkeypatch.setattr(signal, "get", _serving({"scaledobjects": {"items": [scaled]}, "users-api-keda": hpa}))
    monkeypatch.setattr(Release, "autoscaler", lambda _: read_autoscaler(hpa))
    monkeypatch.setattr(Release, "deployment", "users-api")
    found = read_signals(None, Release(None, "users-api", "users-api"))
    assert {each.name: (each.query, each.target) for each in found} == names
    assert {each.selector for each in found} == {"scaledobject.keda.sh/name=users-api"}


def test_an_autoscaler_without_a_query_has_no_reaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """On CPU alone there is nothing to time, which the error says."""
    scaled = {
        "metadata": {"name": "mine"},
        "spec": {"scaleTargetRef": {"name": "users-api"}, "triggers": [_trigger("cpu")]},
    }
    hpa = {"metadata": {"name": "k"}, "spec": {"metrics": [], "maxReplicas": 8}}
    monkeypatch.setattr(signal, "get", _serving({"scaledobjects": {"items": [scaled]}, "k": hpa}))
    monkeypatch.setattr(Release, "autoscaler", lambda _: read_autoscaler(hpa))
    monkeypatch.setattr(Release, "deployment", "users-api")
    with pytest.raises(LoadTestError, match="ScaledObject mine has no prometheus trigger"):
        read_signals(None, Release(None, "users-api", "users-api"))


def test_record_can_be_read_again(tmp_path: Path) -> None:
    """The JSON has each step's links by name, beside the table."""
    write([STEP], tmp_path / "reaction")
    assert Step(**json.loads((tmp_path / "reaction" / "reaction.json").read_text())[0]) == STEP
    assert (tmp_path / "reaction" / "reaction.md").read_text() == table([STEP]) + "\n"


def test_page_takes_the_table_between_its_marks(tmp_path: Path) -> None:
    """What stands around it stays, a second run replaces the first one's, and the revision is named."""
    page = tmp_path / "reaction.md"
    page.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    document([STEP], page)
    document([STEP], page)
    assert page.read_text() == f"before\n{BEGIN}\n{table([STEP])}\n\nRevision {revision()}.\n{END}\nafter\n"


def test_page_without_marks_is_refused(tmp_path: Path) -> None:
    """Nothing is written to a page that has no place for the table."""
    page = tmp_path / "reaction.md"
    page.write_text("mine\n")
    with pytest.raises(LoadTestError, match="lacks the lines"):
        document([STEP], page)
    assert page.read_text() == "mine\n"
