"""What writing takes and what reads show after it, of a server of the test's own."""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from loadtests.assess.assessment import Assessment
from loadtests.assess.installation import Installation
from loadtests.assess.looks import Look, Looks
from loadtests.assess.plan import QUICK
from loadtests.assess.report import write
from loadtests.assess.targets import WRITES, Target, targets
from loadtests.assess.writer import LATER_NAME, Pace, Record, Writer
from loadtests.assess.writes import Writes, measure_writes
from loadtests.errors import LoadTestError
from loadtests.measure import Answer
from service.users import cursor
from tests.assessment import assessment
from tests.http_server import Quiet, serving

WRITER, OTHER = "writer", "other"
LAST_LOOK = 0.05
QUICKLY = Pace(users_per_second=100, looks_at_seconds=(0, LAST_LOOK), pauses_seconds=(0, 0))
PLAN = replace(QUICK, written_users=1, pace=QUICKLY)


@dataclass
class Users:
    """The users of a server, and what is wrong with it."""

    by_id: dict[int, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    hides: Callable[[str, str, dict[str, Any]], bool] = lambda _token, _path, _user: False
    """Whether a client's read at a path finds no such user."""
    fails: Callable[[str, str, str], int] = lambda _method, _token, _path: 0
    """With which status a request ends that was carried out; 0: with its own."""
    policy: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Handler(Quiet, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    users: Users

    def _serve(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or "{}")
        token = self.headers["authorization"].removeprefix("Bearer ")
        path, _, query = self.path.partition("?")
        with self.users.lock:
            status, answer = self._carry_out(token, path, query, body)
            status = self.users.fails(self.command, token, path) or status
        content = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        if self.users.policy:
            self.send_header("ratelimit-policy", self.users.policy)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _carry_out(self, token: str, path: str, query: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        users = self.users
        if self.command == "POST":
            user_id = users.keys.setdefault(self.headers["idempotency-key"], 1001 + len(users.keys))
            users.by_id.setdefault(user_id, {"id": user_id, **body})
            return 201, users.by_id[user_id]
        if path == "/api/users":
            after = re.search("after=([^&]+)", query)
            above = cursor.decode(after[1]) if after else 0
            seen = [user for user_id, user in sorted(users.by_id.items()) if user_id > above]
            return 200, {"items": [user for user in seen if not users.hides(token, path, user)][:1], "next": None}
        user_id = int(path.rpartition("/")[2])
        if user_id not in users.by_id or (self.command == "GET" and users.hides(token, path, users.by_id[user_id])):
            return 404, {"title": "Not Found"}
        if self.command == "DELETE":
            del users.by_id[user_id]
            return 204, {}
        users.by_id[user_id] |= body
        return 200, users.by_id[user_id]


@pytest.fixture
def users() -> Users:
    """The users of the server."""
    return Users()


@pytest.fixture
def base_url(users: Users) -> Iterator[str]:
    """Serve them on a free port of this host."""
    handler = type("_OfTest", (_Handler,), {"users": users})
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as url:
        yield url


def _record(base_url: str, users: int = 3) -> Record:
    writer = Writer(base_url, WRITER, OTHER, QUICKLY)
    asyncio.run(writer.write(users))
    return writer.record


def _found(record: Record, *, by_another_client: bool = True) -> list[Target]:
    found = assessment()
    found.writes = Writes.of(record, by_another_client=by_another_client)
    return [target for target in targets(found) if target.name in WRITES]


def test_writes_that_are_read_at_once_meet_their_targets(base_url: str, users: Users) -> None:
    """Each user is created, changed and read by both clients, none of its reads is old, and it is deleted."""
    record = _record(base_url)
    found = Writes.of(record, by_another_client=True)
    assert (found.created.requests, found.changed.requests, found.both.failed) == (3, 3, 0)
    assert (found.own.reads, found.own.lacking, found.others.reads, found.others.lacking) == (12, 0, 24, 0)
    assert found.others.last_seconds >= LAST_LOOK
    assert (users.by_id, found.left) == ({}, ())
    assert all(target.met for target in _found(record)[1:])


def test_own_writes_that_are_missing_are_counted(base_url: str, users: Users) -> None:
    """A page that lacks what its reader has just changed is an own write missed, and no other client's."""
    users.hides = lambda token, path, user: (token, path, user["name"]) == (WRITER, "/api/users", LATER_NAME)
    record = _record(base_url)
    _, _, own, age = _found(record)
    assert (own.measured, own.met) == (3, False)
    assert (age.measured, age.met) == (0, True)


def test_a_user_that_is_not_found_after_its_creation_is_missing(base_url: str, users: Users) -> None:
    """A 404 lacks the write as an old name does."""
    users.hides = lambda token, path, _user: token == WRITER and path != "/api/users"
    assert _found(_record(base_url))[2].measured == 6


def test_what_another_client_reads_is_as_old_as_its_last_old_read(base_url: str, users: Users) -> None:
    """A list that never has a write is at least as old as the last look at it was late."""
    users.hides = lambda token, path, _user: token == OTHER and path == "/api/users"
    found = Writes.of(_record(base_url), by_another_client=True)
    assert (found.own.lacking, found.others.lacking) == (0, 12)
    assert found.others.oldest_seconds >= LAST_LOOK


def test_reads_older_than_the_bound_miss_it() -> None:
    """The bound is that of the service, and holds for the age at which a read began."""
    read = Answer(0.0, 1.0, 200, name="list")
    looks = [Look(read, age, by_writer=False, fresh=age > 1.05) for age in (0.0, 1.04, 1.3)]
    writes = Writes.of(
        Record([Answer(0.0, 1.0, 201, name="create")], [*looks, replace(looks[2], by_writer=True)]),
        by_another_client=True,
    )
    found = assessment()
    found.writes = writes
    age = targets(found)[5]
    assert (age.name, age.wanted, age.shown, age.met) == (WRITES[3], "≤ 1 s", "1.04 s", False)


def test_reads_without_an_answer_are_no_fresh_ones(base_url: str, users: Users) -> None:
    """Where reads are refused nothing is known of what they would have shown: that is not measured, and not met."""
    users.fails = lambda method, token, _path: 429 if method == "GET" and token == OTHER else 0
    _, _, own, age = _found(_record(base_url))
    assert own.met
    assert (age.measured, age.met) == (None, False)
    assert "24 were not answered" in age.note


def test_reads_of_who_wrote_tell_nothing_of_other_clients(base_url: str) -> None:
    """Lists of who wrote come from the primary: without another client the age is not measured."""
    age = _found(_record(base_url), by_another_client=False)[3]
    assert (age.measured, age.met) == (None, False)
    assert "LIMITED_TOKEN" in age.note


def test_no_read_at_all_tells_nothing() -> None:
    """None of none is no share of answers."""
    assert not Looks.of([]).telling


def test_failed_writes_are_missed_and_their_users_deleted(base_url: str, users: Users) -> None:
    """A creation that happened and was answered 503 counts as failed, and its repetition tells whom to delete."""
    statuses = iter([503])
    users.fails = lambda method, _token, _path: next(statuses, 0) if method == "POST" else 0
    failures = _found(_record(base_url))[1]
    assert (failures.measured, failures.met, failures.evidence) == (1, False, "1 x 503")
    assert users.by_id == {}


def test_users_that_nothing_deletes_are_named(base_url: str, users: Users, tmp_path: Path) -> None:
    """Where no deletion is confirmed the report names who may be left behind."""
    users.fails = lambda method, _token, _path: 503 if method == "DELETE" else 0
    record = _record(base_url, 1)
    assert re.fullmatch(r"assess-[0-9a-f]{8}-0@example\.com", record.left[0])
    found = assessment()
    found.writes = Writes.of(record, by_another_client=True)
    write(found, [], tmp_path)
    for name in ("report.md", "report.html"):
        assert f"Not deleted, as nothing confirmed it: {record.left[0]}." in (tmp_path / name).read_text()


def test_who_may_not_write_is_told(base_url: str, users: Users) -> None:
    """A token that only reads is named instead of a report of no writes."""
    users.fails = lambda method, _token, _path: 403 if method == "POST" else 0
    with pytest.raises(LoadTestError, match=r"no user could be created \(3 x 403\): TOKEN must be one that may write"):
        Writes.of(_record(base_url), by_another_client=True)


def test_who_interrupts_leaves_no_users(base_url: str, users: Users) -> None:
    """A run that is cancelled deletes what it has created by then."""

    async def interrupted() -> None:
        loop, read = asyncio.get_running_loop(), asyncio.Event()

        def tell(method: str, _token: str, _path: str) -> int:
            if method == "GET":
                loop.call_soon_threadsafe(read.set)
            return 0

        users.fails = tell
        running = asyncio.create_task(Writer(base_url, WRITER, OTHER, replace(QUICKLY, users_per_second=20)).write(99))
        await read.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(interrupted())
    assert users.keys
    assert users.by_id == {}


class Unasked(Release):
    """Stands in for a release where the cluster has no part: the client's own takes seconds to load."""

    def __init__(self) -> None:
        pass


def _installation(base_url: str) -> Installation:
    return Installation("", base_url, WRITER, OTHER, None, Unasked(), Prometheus(None, "monitoring/prometheus:9090"))


def test_each_request_is_in_the_raw_file(base_url: str, users: Users, tmp_path: Path) -> None:
    """The figures can be taken again from a file beside the report; its reads are another client's."""
    users.policy = '"override-1";q=60000;w=10'
    found = measure_writes(_installation(base_url), PLAN, tmp_path)
    rows = (tmp_path / "writes.csv").read_text().splitlines()[1:]
    assert len(rows) == found.both.requests + found.own.reads + found.others.reads
    assert found.by_another_client


@pytest.mark.parametrize(("policy", "status"), [('"override-1";q=60;w=10', 0), ("", 401)])
def test_a_client_that_may_read_little_is_none_to_read_with(
    base_url: str, users: Users, tmp_path: Path, policy: str, status: int
) -> None:
    """Where the other token is unknown, or its limit lower than what is read, the writer reads alone."""
    users.policy = policy
    users.fails = lambda _method, token, _path: status if token == OTHER else 0
    found = measure_writes(_installation(base_url), PLAN, tmp_path)
    assert not found.by_another_client
    assert found.others.telling


def test_a_release_without_a_database_is_not_judged_by_it(tmp_path: Path) -> None:
    """What is left out is said with its reason, and neither met nor missed."""
    found = Assessment(facts=assessment().facts)
    found.left_out = dict.fromkeys(WRITES, "the release has no database")
    write(found, [], tmp_path)
    assert not {target.name for target in targets(found)} & set(WRITES)
    assert f"- {WRITES[0]}: left out, the release has no database." in (tmp_path / "report.md").read_text()
