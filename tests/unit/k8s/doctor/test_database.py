import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8s.client.application import USERS_API
from k8s.client.errors import NoAnswerError
from k8s.doctor import database
from k8s.doctor.api import Recorded
from k8s.doctor.finding import Finding
from k8s.doctor.snapshot import Snapshot, read

HERE = Path(__file__).parent
HEALTHY = json.loads((HERE / "healthy.json").read_text(encoding="utf-8"))
# What a real Prometheus answered of two processes of the service, a primary and a replica of the chart's scripts, and
# their exporters.
FIGURES = json.loads((HERE / "figures.json").read_text(encoding="utf-8"))
PRIMARY, REPLICA = "users-api-postgresql-0", "users-api-postgresql-replica-0"
Series = list[dict[str, Any]]
Break = Callable[["Answers"], object]


class Answers:
    """What the APIs answer of a release with PostgreSQL of its own, to be changed."""

    def __init__(self) -> None:
        self.series: Series = json.loads(json.dumps(FIGURES["data"]["result"]))
        self.pods = [_pod(PRIMARY, "postgresql-primary"), _pod(REPLICA, "postgresql-replica")]
        self.prometheus_is_away = False
        recorded = json.loads(json.dumps(HEALTHY["answers"]))
        (path,) = [path for path in recorded if path.startswith("/api/v1/namespaces/users-api/pods")]
        for pod in recorded[path]["items"]:  # cut down to what the doctor looks at
            pod["spec"] = {"containers": [{"image": "users-api"}]}
        self._recorded = Recorded(recorded)
        self.set("pool", 1)  # eight replicas share a server's thirty connections

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Answer as an Api does."""
        if "users-api-postgresql" in path and path.startswith("/api/v1/namespaces/users-api/pods"):
            return {"items": self.pods}
        if "users_api_database" in path:
            if self.prometheus_is_away:
                raise NoAnswerError(503, "no endpoints")
            return {"data": {"result": self.series}}
        return self._recorded.get(path)

    def of(self, figure: str) -> Series:
        """The series of one figure."""
        found = [one for one in self.series if one["metric"]["figure"] == figure]
        assert found, figure
        return found

    def set(self, figure: str, value: float) -> None:
        """Change all of a figure's values."""
        for one in self.of(figure):
            one["value"][1] = str(value)

    def drop(self, *figures: str) -> None:
        """Forget a figure."""
        self.series = [one for one in self.series if one["metric"]["figure"] not in figures]

    def no_longer_bundled(self) -> None:
        """Have a server of somebody else's."""
        self.pods.clear()
        self.drop("exported", "most", "kept", "open")


def _pod(name: str, component: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/component": component},
            "creationTimestamp": "2026-11-29T06:00:00Z",
        },
        "spec": {"containers": [{"image": "postgres"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-29T06:00:00Z"}]},
    }


@pytest.fixture
def answers() -> Answers:
    """A database in good health."""
    return Answers()


def snapshot(answers: Answers) -> Snapshot:
    """The release, of at most eight replicas."""
    return read(answers, "users-api", "users-api", HEALTHY["now_s"])


def look(answers: Answers) -> dict[str, Finding]:
    """The findings by link."""
    return {finding.link: finding for finding in database.findings(answers, snapshot(answers), USERS_API)}


def test_a_sound_database_is_told_with_what_was_seen(answers: Answers) -> None:
    """Each link holds, and says how far schema and replicas are, and how many connections there are."""
    found = look(answers)
    assert [finding.state for finding in found.values()] == ["ok"] * 5
    assert found["database"].text == "the replicas reach primary, replica-0, and 2 of the release's own are ready"
    assert found["schema"].text == "it is at revision 1, and the image needs 1"
    assert "replica-0 0." in found["replication"].text
    assert "of 27 are open" in found["connections"].text
    assert found["exporter"].text == "those of 2 servers are scraped, and log in"


@pytest.mark.parametrize(
    ("break_it", "link", "text", "remedy"),
    [
        (
            lambda a: a.pods[1]["status"].update(conditions=[], phase="Pending"),
            "database",
            f"not ready: {REPLICA}",
            f"describe pod {REPLICA}",
        ),
        (lambda a: a.drop("available"), "database", "show no database", "USERS_API_DATABASE_URL"),
        (lambda a: a.set("available", 0), "database", "given up on primary, replica-0", "runbooks/DatabaseDown"),
        (lambda a: a.set("revision", 0), "schema", "at revision 0, and the image needs 1", "component=migration"),
        (
            lambda a: a.series.append({"metric": {"figure": "refused"}, "value": [0, "12"]}),
            "schema",
            "12 statements of the last 5m",
            "python -m service.migrate",
        ),
        (lambda a: a.set("lag", 1.5), "replication", "replica-0 1.50 s", "the replica's log"),
        (lambda a: a.set("lag", float("nan")), "replication", "replica-0 unknown", "runbooks/DatabaseReplicaUnused"),
        (lambda a: a.set("open", 26), "connections", "26 of 27 are open", "pg_stat_activity"),
        (lambda a: a.set("pool", 2), "connections", "36, and a server takes 27", "autoscaling.maxReplicas"),
        (lambda a: a.drop("exported"), "exporter", f"nothing of {PRIMARY}, {REPLICA}", "networkPolicy.metricsFrom"),
        (lambda a: a.set("exported", 0), "exporter", "cannot log in", "role monitor"),
    ],
)
def test_the_link_that_breaks_is_named(answers: Answers, break_it: Break, link: str, text: str, remedy: str) -> None:
    """What is broken is told with what was seen, and with what mends it; the other links hold."""
    break_it(answers)
    found = look(answers)
    assert [finding.link for finding in found.values() if finding.state == "broken"] == [link]
    assert text in found[link].text
    assert remedy in found[link].remedy


def test_with_pgbouncer_the_pools_are_its_own(answers: Answers) -> None:
    """The service's connections end there: what is open at the server counts, and PgBouncer must be ready."""
    answers.set("pool", 50)
    answers.pods.append(_pod("users-api-postgresql-pooler-1", "postgresql-pooler"))
    assert "PgBouncer shares them" in look(answers)["connections"].text
    answers.pods[-1]["status"].update(conditions=[], phase="Pending")
    assert "pooler" in look(answers)["database"].text


def test_of_somebody_elses_server_less_is_known(answers: Answers) -> None:
    """Without an exporter nothing is said of it, and max_connections is unknown, with the sum that must fit."""
    answers.no_longer_bundled()
    found = look(answers)
    assert [*found] == ["database", "schema", "replication", "connections"]
    assert found["connections"].state == "unknown"
    assert "8 replicas, 2 surge and 8 that stop, 1 each: 18" in found["connections"].text
    answers.set("lag", 5)
    assert "pg_stat_replication" in look(answers)["replication"].remedy
    answers.drop("lag")
    assert "replication" not in look(answers)


def test_a_schema_that_may_not_be_read_is_unknown(answers: Answers) -> None:
    """The right that is missing is named."""
    answers.set("revision", float("nan"))
    found = look(answers)["schema"]
    assert (found.state, "GRANT SELECT ON alembic_version" in found.text) == ("unknown", True)


def test_a_release_without_a_database_is_no_fault(answers: Answers) -> None:
    """It is said that there is none, and what follows from that."""
    answers.no_longer_bundled()
    answers.series.clear()
    (found,) = look(answers).values()
    assert (found.state, "postgresql.mode=none" in found.text) == ("ok", True)


def test_without_prometheus_nothing_is_known(answers: Answers) -> None:
    """A Prometheus that is away, or that no trigger names, is no fault of the database's."""
    answers.prometheus_is_away = True
    assert look(answers)["database"].state == "unknown"
    release = snapshot(answers)
    without = Snapshot(**{**vars(release), "scaled_object": None})
    (found,) = database.findings(answers, without, USERS_API)
    assert (found.state, "names one" in found.text) == ("unknown", True)
