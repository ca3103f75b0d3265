import contextlib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from k8s.client.waiting import seconds_until
from loadtests.chaos.verdict import Bound
from tests.chaos.experiment import Experiment, Extent, Run, Start
from tests.chaos.traffic import MIX
from tests.chaos.values import FOUR
from tests.e2e.in_cluster import redis_in_use
from tests.e2e.release import NAME, Release, kubectl

pytestmark = pytest.mark.chaos

POD = f"{NAME}-redis-0"
# Half of the other experiments': the start of a pod takes a core, and here p99 must bear it on the two there are.
RATE = 100
P99_MS = 150
AWAY_SECONDS = Extent(45, short=15)
BEFORE_SECONDS = Extent(20, short=3)
BACK_SECONDS = 60
MAXMEMORY_MEBIBYTES = 24
# One script writes a mebibyte: Redis checks its limit at a script's first write.
FILL = "for i = 1, 100 do redis.call('SET', 'fill:' .. ARGV[1] .. ':' .. i, string.rep('x', 10000)) end"
FREE = "for i = 1, 100 do redis.call('UNLINK', 'fill:' .. ARGV[1] .. ':' .. i) end"
REDIS_CLI = 'redis-cli --no-auth-warning --user "$REDIS_USERNAME"'
# A script as often as it may run, at most; in one process of the container, as one each costs the machine 0.1 s of CPU.
UNTIL_REFUSED = f"""
done=0
while [ $done -lt $2 ]; do
  case $({REDIS_CLI} eval "$1" 0 $done 2>&1) in *OOM*|*refused*|*reset*) break ;; esac
  done=$((done + 1))
done
echo $done
"""

VALUES: dict[str, Any] = {
    **FOUR,
    "redis": {
        "persistence": {"enabled": True, "size": "64Mi"},
        "maxmemoryMebibytes": MAXMEMORY_MEBIBYTES,
        # Worse than the chart's own policy, which makes room: what is full refuses to write.
        "extraConfig": "maxmemory-policy noeviction",
    },
}
# By extraEnv: the chart refuses these in config.extra.
PATIENT: dict[str, Any] = {
    "extraEnv": [
        {"name": "USERS_API_REDIS_CALL_TIMEOUT_SECONDS", "value": "3"},
        {"name": "USERS_API_REDIS_CONNECT_TIMEOUT_SECONDS", "value": "3"},
        {"name": "USERS_API_REDIS_BREAKER_FAILURES", "value": "1000"},
    ]
}
TIME_LIMITS_OFF = "3 s for each call to Redis, and no circuit breaker"

KILLED = Experiment(
    number=11,
    name="redis-killed",
    promise="no 5xx and p99 within 150 ms when Redis is killed, and back by itself",
    sabotage=TIME_LIMITS_OFF,
    values=VALUES,
    sabotaged=PATIENT,
)
BLACKHOLED = Experiment(
    number=11,
    name="redis-blackholed",
    promise="no 5xx and p99 within 150 ms when packets to Redis are dropped, and back by itself",
    sabotage=TIME_LIMITS_OFF,
    values=VALUES,
    sabotaged=PATIENT,
)
FULL = Experiment(
    number=11,
    name="redis-full",
    promise="no 5xx and p99 within 150 ms when Redis is full and refuses to write, and back by itself",
    sabotage="no maxmemory: Redis takes all until the kernel kills it",
    values=VALUES,
    sabotaged={"redis": {"extraConfig": "maxmemory 0"}},
)
RESCHEDULED = Experiment(
    number=11,
    name="redis-rescheduled",
    promise="no 5xx and p99 within 150 ms while Redis moves to a new pod, which has its data, and back by itself",
    sabotage="no volume",
    values=VALUES,
    sabotaged={"redis": {"persistence": {"enabled": False}}},
)


@pytest.fixture(scope="module", autouse=True)
def _alone(installed: Release) -> Iterator[None]:
    """Install anew before and after: a StatefulSet cannot be given a volume later."""
    installed.uninstall()
    yield
    installed.uninstall()


def test_redis_killed(start: Start) -> None:
    """Redis's pod is killed without grace, and comes back."""
    run = start(KILLED)
    with run.load(RATE, requests=MIX):
        _wait_before(run)
        at_s = run.mark("Redis killed")
        kubectl("delete", "pod", POD, "--force", "--grace-period=0")
        back = _back(run)
        _go_on(run)
    _conclude(run, at_s, back)


def test_redis_blackholed(start: Start) -> None:
    """Packets to Redis vanish, and then no longer do."""
    run = start(BLACKHOLED)
    with run.load(RATE, requests=MIX):
        _wait_before(run)
        at_s = run.mark("packets dropped")
        with _packets_dropped(run.release):
            _go_on(run)
        run.mark("let through")
        back = _back(run)
        time.sleep(3)
    _conclude(run, at_s, back)


@pytest.mark.full  # tests/integration/test_resilience.py fills one, too
def test_redis_full(start: Start) -> None:
    """Redis is filled until it refuses to write, and then has room again."""
    run = start(FULL)
    with run.load(RATE, requests=MIX):
        _wait_before(run)
        at_s = run.mark("Redis filled")
        mebibytes = _fill()
        run.mark("full")
        _go_on(run)
        _free(mebibytes)
        run.mark("room again")
        back = _back(run)
        time.sleep(3)
    restarts = sum(pod.restarts for pod in run.release.redis_pods())
    _conclude(run, at_s, back, Bound("restarts of Redis", restarts, at_most=0), mebibytes_written=mebibytes)


@pytest.mark.full  # it is killed before, and tests/e2e/test_redis.py has the data outlive the pod
def test_redis_rescheduled(start: Start) -> None:
    """Redis's pod is evicted, and a new one serves the data of its volume."""
    run = start(RESCHEDULED)
    assert _redis("set", "chaos:kept", "yes").strip() == "OK"
    time.sleep(2)  # written by appendfsync everysec
    with run.load(RATE, requests=MIX):
        _wait_before(run)
        at_s = run.mark("Redis evicted")
        kubectl("delete", "pod", POD, "--wait=true")
        back = _back(run)
        _go_on(run)
    kept = _redis("get", "chaos:kept").strip() == "yes"
    _conclude(run, at_s, back, Bound("its data kept", int(kept), at_least=1))


def _wait_before(run: Run) -> None:
    time.sleep(run.of(BEFORE_SECONDS))


def _go_on(run: Run) -> None:
    time.sleep(run.of(AWAY_SECONDS))


def _back(run: Run) -> float:
    """Seconds from now until every replica uses Redis again."""
    back = seconds_until(lambda: _is_used(run.release), BACK_SECONDS)
    run.mark("in use again")
    return back


def _conclude(run: Run, at_s: float, back: float, *bounds: Bound, **figures: float) -> None:
    since = run.answers.between(at_s, time.time())
    server_errors = since.where(lambda answer: answer.status >= 500 or not answer.status)
    run.conclude(
        *run.failed_within(0),
        Bound("5xx or no answer", len(server_errors), at_most=0),
        Bound("p99 from then on, ms", since.percentile_ms(0.99), at_most=P99_MS, of_time=True),
        Bound("in use again within, s", back, at_most=BACK_SECONDS),
        *bounds,
        p99_before_ms=run.answers.between(0, at_s).percentile_ms(0.99),
        **figures,
    )


def _is_used(release: Release) -> bool:
    """Whether Redis serves and each replica's circuit breaker lets calls through."""
    if not all(pod.serving for pod in release.redis_pods()):
        return False
    return all(redis_in_use(release))


def _redis(*command: str) -> str:
    """Run a command of Redis's as the service's user, in its own container."""
    return _in_redis(f'{REDIS_CLI} "$@"', *command)


def _in_redis(script: str, *arguments: str) -> str:
    return kubectl("exec", POD, "--container=redis", "--", "sh", "-c", script, "sh", *arguments)


def _fill() -> int:
    """Write until Redis refuses, or is gone; gives the mebibytes written."""
    most = 4 * MAXMEMORY_MEBIBYTES + 128
    try:
        mebibytes = int(_in_redis(UNTIL_REFUSED, FILL, str(most)))
    except AssertionError:  # the kernel took Redis, and with it its container
        return most
    assert mebibytes < most, "Redis took all there was"
    return mebibytes


def _free(mebibytes: int) -> None:
    """Take out again what was filled in, unless Redis is gone."""
    with contextlib.suppress(AssertionError):
        _in_redis(UNTIL_REFUSED, FREE, str(mebibytes))


@contextmanager
def _packets_dropped(release: Release) -> Iterator[None]:
    """Have the node drop all that is sent to Redis's pod, for as long as the block lasts; its own probes go on."""
    (pod,) = release.redis_pods()
    rule = ("FORWARD", "--destination", pod.address, "--jump", "DROP")

    def iptables(action: str) -> None:
        subprocess.run(("docker", "exec", pod.node, "iptables", action, *rule), check=True, timeout=30)

    iptables("--insert")
    try:
        yield
    finally:
        iptables("--delete")
