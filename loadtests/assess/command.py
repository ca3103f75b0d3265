import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from k8s.client.application import USER
from k8s.client.errors import ClusterError
from loadtests.assess.assessment import Assessment
from loadtests.assess.availability import measure_availability
from loadtests.assess.caches import measure_caches
from loadtests.assess.database import NONE, has_database
from loadtests.assess.facts import facts
from loadtests.assess.installation import Installation
from loadtests.assess.journal import phase, say
from loadtests.assess.limiter import measure_limiter
from loadtests.assess.needs import left_out
from loadtests.assess.parts import Parts
from loadtests.assess.plan import Plan
from loadtests.assess.report import write
from loadtests.assess.response import cached_users, measure_response
from loadtests.assess.scaling import measure_scaling
from loadtests.assess.settling import settle
from loadtests.assess.spread import measure_spread
from loadtests.assess.targets import CACHES, LIMITER, SCALING, SPREAD, WRITES, WRITTEN, targets
from loadtests.assess.throughput import ThroughputPhase
from loadtests.assess.usage import UsageMeter
from loadtests.assess.writes import Writes, measure_writes
from loadtests.assess.written import measure_written
from loadtests.errors import LoadTestError
from loadtests.target import require_answer

T = TypeVar("T")
NOT_QUICK = "a quick run has no time for it"


def assess(installation: Installation, plan: Plan, output: Path) -> None:
    """Measure all of `plan`, and write report.html, report.md, report.json and the raw data to `output`.

    Raises:
        LoadTestError: nothing to measure, or a target was missed.
        ClusterError: there is none, or no such release.
    """
    application = installation.application
    require_answer(installation.base_url, installation.token, application.read or USER)
    found = Assessment(facts(installation), left_out=left_out(installation), of_users_api=application.is_users_api)
    for old in output.glob("*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    output.mkdir(parents=True, exist_ok=True)
    say(f"assessing {installation.base_url}, about {plan.about_seconds / 60:.0f} min; written to {output}")
    started = time.monotonic()
    _measure(installation, plan, output, found)
    found.seconds = time.monotonic() - started
    raw = sorted(path for path in output.rglob("*") if path.is_file() and path.suffix in {".csv", ".json"})
    written = write(found, raw, output)
    say("")
    for target in (compared := targets(found)):
        say(f"{'met   ' if target.met else 'MISSED'}  {target.name}: {target.shown} (target {target.wanted})")
        if target.limited_by:
            say(f"        limited by: {target.limited_by}; {target.evidence}")
    say(f"\nwritten: {', '.join(map(str, written))}")
    if missed := [target.name for target in compared if not target.met]:
        raise LoadTestError(f"{len(missed)} of {len(compared)} targets missed: {'; '.join(missed)}")


def _measure(installation: Installation, plan: Plan, output: Path, found: Assessment) -> None:
    def attempt(what: str, about_seconds: float, measure: Callable[[], T], target: str = "") -> T | None:
        if target in found.left_out:
            say(f"{what} {found.left_out[target]}")
            return None
        with phase(f"{what} (about {about_seconds:.0f} s)"):
            try:
                return measure()
            except (ClusterError, LoadTestError) as error:
                found.problems[what] = str(error)
                say(f"  not measured: {error}")
                return None

    users = cached_users(installation)
    seconds = plan.uncached_seconds + plan.cached_seconds
    found.response = attempt(
        "response time", seconds, lambda: measure_response(installation, plan, output / "response")
    )
    # Before the limiter's own phase, which spends all that its client may, and waits if something is missing.
    if found.of_users_api:
        found.writes = attempt("writes", plan.writes_seconds, lambda: _writes(installation, plan, output, found))
    else:
        found.written = attempt(
            "writes", plan.writes_seconds, lambda: measure_written(installation, plan, output / "writes"), WRITTEN[0]
        )
    found.limiter = attempt(
        "rate limiter",
        1 + 11 * plan.limiter_windows,
        lambda: measure_limiter(installation, plan, output / "limiter"),
        LIMITER,
    )
    found.availability = attempt(
        "availability: all pods replaced, one killed",
        40,
        lambda: measure_availability(installation, plan, output / "availability", users),
    )
    if plan.scaling:
        found.scaling = attempt("scaling", 240, lambda: measure_scaling(installation, output / "scaling", users))
    else:
        found.left_out.update(dict.fromkeys(SCALING, NOT_QUICK))
    meter = UsageMeter(Parts(installation.api, installation.release), installation.prometheus)
    load = ThroughputPhase(installation, plan, meter, output / "throughput", users)
    with phase(f"replicas for the search (at most {plan.settle_limit_seconds:.0f} s)"):
        settle(installation, plan, output / "settling", users)
    throughput = found.throughput = attempt("throughput", 7 * plan.step_seconds + 2 * plan.hold_seconds, load.measure)
    if throughput:
        found.caches = attempt(
            "cache hit ratio of the held rate", 1, lambda: measure_caches(installation, throughput), CACHES
        )
    found.spread = attempt(
        "spread over replicas",
        plan.spread_seconds,
        lambda: measure_spread(installation, plan, output / "spread", users),
        SPREAD[0],
    )


def _writes(installation: Installation, plan: Plan, output: Path, found: Assessment) -> Writes | None:
    if has_database(installation):
        return measure_writes(installation, plan, output / "writes")
    found.left_out.update(dict.fromkeys(WRITES, NONE))
    say(f"  left out: {NONE}")
    return None
