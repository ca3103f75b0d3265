import csv
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.assess.targets import WRITES
from tests.e2e.helm import CONTEXT
from tests.e2e.release import NAME, NAMESPACE, Release

# What it measures is the machine, too.
pytestmark = [pytest.mark.e2e, pytest.mark.alone]


@pytest.fixture(scope="module")
def run(
    installed: Release, with_database: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, Path]:
    """Assess the release quickly; exit status and the report's folder."""
    installed.configure(with_database)
    folder = tmp_path_factory.mktemp("assess")
    command = [sys.executable, "-m", "loadtests", "assess", "--quick", "--context", CONTEXT]
    command += ["--namespace", NAMESPACE, "--release", NAME, "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    installed.forget()  # its pods were restarted
    assert (folder / "report.json").exists(), done.stdout + done.stderr
    return done.returncode, folder


@pytest.fixture
def report(run: tuple[int, Path]) -> dict[str, Any]:
    """What report.json says."""
    content: dict[str, Any] = json.loads((run[1] / "report.json").read_text())
    return content


def _answers(path: Path) -> Iterator[tuple[float, dict[str, str]]]:
    """Milliseconds and tags of each answer in k6's own file, read without any code of the report's."""
    with path.open() as file:
        for row in csv.DictReader(file):
            if row["metric_name"] == "answer":
                yield float(row["metric_value"]), dict(pair.split("=", 1) for pair in row["extra_tags"].split("&"))


def test_every_phase_was_measured(report: dict[str, Any]) -> None:
    """Each target has its figure, and no phase is missing for a problem."""
    assert report["problems"] == {}
    for target in report["targets"]:
        assert {"name", "target", "measured", "met"} <= set(target)
        assert isinstance(target["measured"], int | float), target
        assert isinstance(target["met"], bool)
    assert len(report["targets"]) >= 8


def test_writes_are_those_of_the_raw_data(run: tuple[int, Path], report: dict[str, Any]) -> None:
    """Creations, changes and the writer's reads after them, counted by hand in their file, are the report's."""
    with (run[1] / "writes" / "writes.csv").open() as file:
        rows = list(csv.DictReader(file))
    written = [row for row in rows if row["request"] in {"create", "change"}]
    own = [row["has_write"] for row in rows if row["by"] == "writer" and row["after_write_s"]]
    writes = report["writes"]
    assert writes["both"]["requests"] == len(written) > 0
    assert (writes["own"]["reads"], writes["own"]["lacking"]) == (len(own), own.count("0"))
    assert set(WRITES) <= {target["name"] for target in report["targets"]}
    assert writes["left"] == []


def test_facts_name_what_was_measured(report: dict[str, Any]) -> None:
    """Machine, cluster, release and revision are there."""
    facts = report["facts"]
    assert (facts["release"]["namespace"], facts["release"]["name"]) == (NAMESPACE, NAME)
    assert facts["cluster"]["kubernetes"].startswith("v1.")
    assert facts["machine"]["cores"] >= 1
    assert facts["revision"] != "unknown"


def test_response_times_are_those_of_the_raw_data(run: tuple[int, Path], report: dict[str, Any]) -> None:
    """The p95 of cached answers, taken from k6's files by hand, is the report's."""
    raw = [run[1] / path for path in report["raw"] if path.startswith("response/")]
    cached = sorted(ms for path in raw for ms, tags in _answers(path) if tags.get("cache") in {"L1", "L2"})
    assert report["response"]["cached"]["requests"] == len(cached) > 0
    assert report["response"]["cached"]["p95_ms"] == pytest.approx(cached[math.ceil(0.95 * len(cached)) - 1], abs=0.001)


def test_the_limiter_s_count_is_that_of_the_raw_data(run: tuple[int, Path], report: dict[str, Any]) -> None:
    """As many answers with 200 and 429 as the report counts are in k6's file, but for the second after the windows."""
    statuses = [tags["status"] for _, tags in _answers(run[1] / "limiter" / "k6.csv")]
    limiter = report["limiter"]
    assert set(statuses) == {"200", "429"}
    assert limiter["accepted"] <= statuses.count("200")
    assert limiter["accepted"] + limiter["refused"] == limiter["offered"] <= len(statuses)
    assert limiter["refused"] > limiter["limit"] / 2


def test_a_missed_rate_names_its_limit(report: dict[str, Any]) -> None:
    """Where 1,000 a second are not held, the report says which part ended it, with cores as evidence."""
    (throughput,) = [target for target in report["targets"] if target["unit"] == "req/s"]
    assert throughput["measured"] > 0
    if not throughput["met"]:
        assert throughput["limited_by"]
        assert throughput["evidence"]
    parts = report["throughput"]["hold"]["usage"]["parts"]
    assert {"service pods", "ingress controller", "load generator"} <= set(parts)
    assert sum(parts.values()) > 0


def test_the_exit_status_follows_the_targets(run: tuple[int, Path], report: dict[str, Any]) -> None:
    """0 if and only if all targets are met."""
    assert report["all_met"] == all(target["met"] for target in report["targets"])
    assert run[0] == (0 if report["all_met"] else 1)


def test_text_and_page_are_of_the_same_run(run: tuple[int, Path], report: dict[str, Any]) -> None:
    """All three have the time of the measurement and each target."""
    for name in ("report.md", "report.html"):
        text = (run[1] / name).read_text()
        assert report["facts"]["measured_at"] in text
        assert all(target["name"] in text.replace("&#39;", "'") for target in report["targets"])
