"""The assessment of an application that is not the users API."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from k8s.client.application import USERS_API, Application, Write
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from loadtests.assess import command
from loadtests.assess.command import assess
from loadtests.assess.installation import Installation
from loadtests.assess.needs import USERS_ONLY, left_out
from loadtests.assess.plan import QUICK
from loadtests.assess.response import measure_response
from loadtests.assess.targets import CACHED, CACHES, LIMITER, RESPONSE, SPREAD, WRITES, WRITTEN, targets
from loadtests.assess.writer import Pace
from loadtests.assess.written import measure_written
from loadtests.errors import LoadTestError
from tests.assessment import FACTS, assessment
from tests.http_server import Quiet, serving

SHOP = Application("shop", "shop", url="http://shop", read="/items/{id}", ids=3, file="app.yaml")
PLAN = replace(QUICK, cached_seconds=1.5, written_users=18, pace=Pace(users_per_second=12))


class Unasked(Release):
    """Stands in for a release that the cluster is not asked of."""

    def __init__(self) -> None:
        pass


class Shop(ThreadingHTTPServer):
    """Answers reads, and writes with the status that it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.read: list[str] = []
        self.written: list[str] = []
        self.status = 201


class _Handler(Quiet, BaseHTTPRequestHandler):
    server: Shop
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.read.append(self.path)
        self._answer(200, b"<html>")

    def do_POST(self) -> None:
        self.server.written.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["name"])
        self._answer(self.server.status, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Serve it on a free port of this host."""
    server = Shop()
    with serving(server):
        yield server


def _installation(application: Application, base_url: str = "http://shop", limited: str = "") -> Installation:
    nothing: Any = None  # the cluster has no part in this
    return Installation("", base_url, "", limited, nothing, nothing, Prometheus(None, ""), application.ids, application)


def _served(shop: Shop, application: Application) -> Installation:
    return _installation(application, f"http://127.0.0.1:{shop.server_port}")


def test_what_an_application_does_not_have_does_not_apply() -> None:
    """Each target that needs a key names it; of the users API all apply."""
    found = left_out(_installation(SHOP))
    assert set(found) == {*CACHED, CACHES, *SPREAD, *WRITTEN, *WRITES[2:], LIMITER}
    assert found[SPREAD[0]].startswith("does not apply: app.yaml says nothing of replica.path, ")
    assert found[WRITES[3]] == USERS_ONLY
    assert left_out(_installation(USERS_API, limited="limited-token")) == {}
    writing = left_out(_installation(replace(SHOP, write=Write("/items"), cache="X-Cache"), limited="LIMITED_TOKEN's"))
    assert set(writing) == {*SPREAD, *WRITES[2:]}


def test_answers_that_tell_of_no_cache_are_measured_together(shop: Shop, tmp_path: Path) -> None:
    """All there is to read is read, and each answer counts."""
    found = measure_response(_served(shop, SHOP), PLAN, tmp_path)
    assert not found.by_cache
    assert [name for name, _ in found.kinds] == ["all"]
    assert found.cached.requests == len(found.cached_ms) == len(shop.read) > 5
    assert set(shop.read) <= {"/items/1", "/items/2", "/items/3"}


def test_what_an_application_takes_as_a_write_is_measured(shop: Shop, tmp_path: Path) -> None:
    """Each write is its own, and where none is taken the error says what they were answered with."""
    installation = _served(shop, replace(SHOP, write=Write("/items", body={"name": "{unique}"})))
    found = measure_written(installation, PLAN, tmp_path)
    assert found.latency.requests == len(set(shop.written)) == len(shop.written) >= 5
    assert (found.latency.failed, found.reasons) == (0, {})
    shop.status = 403
    with pytest.raises(LoadTestError, match=r"nothing could be written \(\d+ x 403\): token must be one that may"):
        measure_written(installation, PLAN, tmp_path)
    with pytest.raises(LoadTestError, match=r"writing does not apply: app\.yaml says nothing of write\.path"):
        measure_written(_served(shop, SHOP), PLAN, tmp_path)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace each phase by what a good run finds; names of those that were entered."""
    entered: list[str] = []
    good = assessment()

    def phase(name: str) -> Any:  # noqa: ANN401 - of the phase
        def measure(*_: object) -> Any:  # noqa: ANN401 - likewise
            entered.append(name)
            return getattr(good, name)

        return measure

    for name in ("response", "writes", "written", "availability", "caches", "limiter", "spread"):
        monkeypatch.setattr(command, f"measure_{name}", phase(name))
    good.throughput = good.throughput and replace(good.throughput, caches={})

    class Search:
        def __init__(self, *_: object) -> None:
            self.measure = phase("throughput")

    monkeypatch.setattr(command, "ThroughputPhase", Search)
    monkeypatch.setattr(command, "UsageMeter", lambda *_: None)
    monkeypatch.setattr(command, "Parts", lambda *_: None)
    monkeypatch.setattr(command, "settle", lambda *_: 2)
    monkeypatch.setattr(command, "facts", lambda _: FACTS)
    return entered


def test_an_assessment_is_of_what_applies(shop: Shop, unmeasured: list[str], tmp_path: Path) -> None:
    """Phases that do not apply are not entered, are no miss, and stand in the report with their reason."""
    installation = replace(_served(shop, SHOP), release=Unasked())
    assess(installation, QUICK, tmp_path)
    assert unmeasured == ["response", "availability", "throughput"]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["all_met"]
    names = [target["name"] for target in report["targets"]]
    assert names[:2] == list(RESPONSE)
    assert not {*names} & {*CACHED, CACHES, *SPREAD, *WRITES, *WRITTEN, LIMITER}
    assert report["left_out"][LIMITER].startswith("does not apply: app.yaml says nothing of limited, ")
    for page in ("report.md", "report.html"):
        text = (tmp_path / page).read_text()
        assert "compose" not in text.partition("</style>")[2 if page.endswith("html") else 0]
        assert f"{SPREAD[0]}: does not apply: app.yaml says nothing of replica.path, " in text


def test_an_application_that_takes_writes_is_judged_by_them(
    shop: Shop, unmeasured: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its writes have figures of their own, and those of users are none of it."""
    monkeypatch.setattr(command, "measure_written", measure_written)
    application = replace(SHOP, write=Write("/items", body={"name": "{unique}"}))
    with suppress(LoadTestError):  # a busy machine may miss the time
        assess(replace(_served(shop, application), release=Unasked()), PLAN, tmp_path)
    assert "writes" not in unmeasured
    report = json.loads((tmp_path / "report.json").read_text())
    names = {target["name"] for target in report["targets"]}
    assert names >= {*WRITTEN}
    assert not names & {*WRITES}
    assert report["written"]["latency"]["failed"] == 0
    for page in ("report.md", "report.html"):
        assert "Writes" in (tmp_path / page).read_text()


def test_writes_that_could_not_be_measured_are_missed() -> None:
    """A target that applies and has no figure is not met, as any other."""
    found = assessment()
    found.of_users_api, found.written = False, None
    assert [target.met for target in targets(found) if target.name in WRITTEN] == [False, False]
