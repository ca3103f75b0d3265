import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from k8s.client.application import USER
from loadtests.chaos import faults
from loadtests.chaos.left_out import left_out
from loadtests.chaos.offered import OFFERED
from loadtests.chaos.planned import NotFollowedError, Planned
from loadtests.chaos.run import Run
from loadtests.chaos.site import Site
from loadtests.chaos.table import HEADER, RULE, cells
from loadtests.errors import LoadTestError
from loadtests.markdown import row
from loadtests.target import require_answer

Done = list[tuple[Planned, dict[str, Any]]]


def chaos(site: Site, output: Path) -> None:
    """Do to an installed release what applies to it, under load, and write what clients saw of it.

    Raises:
        LoadTestError: it was not told to, the release is not whole, no load, or a promise was not kept.
        ClusterError: the cluster does not answer, or refuses.
    """
    require_answer(site.variables["BASE_URL"], site.variables["TOKEN"], site.variables.get("READ", USER))
    if not faults.is_rolled_out(site.release):
        raise LoadTestError(f"{site.name} is not whole, and nothing is done to it: see `make doctor`")
    wish, folder = site.wish, site.folder(output)
    asked = [kind(site, _say) for kind in OFFERED if not wish.only or kind.name in wish.only]
    unfit = {each.name: why for each in asked if (why := each.unfit())}
    planned = [each for each in asked if each.name not in unfit]
    _announce(site, planned, unfit if wish.only else unfit | left_out())
    if not planned:
        raise LoadTestError("nothing of what was asked for applies")
    if not wish.yes:
        raise LoadTestError("nothing was done: --yes (YES=1 of make) does it")
    folder.mkdir(parents=True, exist_ok=True)
    done: Done = []
    try:
        for each in planned:
            if why := _perform(site, type(each), folder, done):
                unfit[each.name] = why
    finally:
        _conclude(site, done, unfit, folder)
    if missed := [each.name for each, result in done if not result["held"]]:
        raise LoadTestError(f"{len(missed)} of {len(done)} promises not kept: {', '.join(missed)}; see {folder}")


def _perform(site: Site, kind: type[Planned], folder: Path, done: Done) -> str:
    """Do one to what there is by now, and add what came of it; gives why it does not apply after all."""
    _say(f"\n{kind.name}:")
    faults.wait_until_rolled_out(site.release)
    planned = kind(site.looked_at_anew(), _say)
    if why := planned.unfit_now():
        _say(f"  {why}")
        return why
    _say(f"  {planned.does()}")
    run = Run(
        planned.promise,
        site.release,
        site.wish.short,
        results=folder,
        variables=site.variables,
        at_most_seconds=planned.at_most_seconds,
    )
    try:
        found = planned.perform(run)
    except NotFollowedError as error:
        _say(f"  {error}")
        return str(error)
    except BaseException:
        done.append((planned, run.write_broken_off()))
        raise
    done.append((planned, run.write(found.bounds, found.figures)))
    said = "; ".join(str(bound) for bound in run.missed(found.bounds))
    _say(f"  {'missed: ' + said if said else 'holds'}; see {run.path}")
    return ""


def _announce(site: Site, planned: Sequence[Planned], unfit: Mapping[str, str]) -> None:
    seconds = sum(each.at_most_seconds for each in planned)
    requests = sum(each.at_most_requests for each in planned)
    _say(f"{site.name}, {site.replicas} replicas, reached at {site.variables['BASE_URL']}")
    _say(f"at most {requests:,} requests within {seconds / 60:,.0f} min of load, most often far less:\n")
    for each in planned:
        _say(f"  {each.name}: {each.does()}; at most {each.at_most_requests:,} requests")
    _say("")
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for name, why in unfit.items():
        by_reason[why].append(name)
    for why, names in by_reason.items():
        _say(f"  {', '.join(names)}: {why}")


def _conclude(site: Site, done: Done, unfit: Mapping[str, str], folder: Path) -> None:
    """Write what there is as JSON, and say it as a table."""
    record = {
        "namespace": site.release.namespace,
        "release": site.release.name,
        "deployment": site.release.deployment,
        "url": site.variables["BASE_URL"],
        "experiments": [{"promise": each.promise.promise, **result} for each, result in done],
        "does_not_apply": {**unfit, **left_out()},
    }
    (folder / "chaos.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    rows = [row(*cells(each.promise, result, each.promise.promise)) for each, result in done]
    _say("\n".join(["", row(*HEADER), row(*RULE), *rows, "", f"written: {folder}/chaos.json"]))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
