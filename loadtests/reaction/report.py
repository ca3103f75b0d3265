import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from k8s.cluster.revision import revision
from loadtests.errors import LoadTestError
from loadtests.measure.answers import nearest_rank
from loadtests.reaction.step import LINKS, Step, spent

NONE: Mapping[str, str] = {}
BEGIN, END = "<!-- budget -->", "<!-- end of budget -->"
MEANING = {
    "scraped": "Prometheus has a sample of the new rate",
    "crossed": "a query is above the target and its tolerance",
    "external": "the external metrics API says so",
    "decided": "the autoscaler wants more replicas",
    "created": "the first new pod exists",
    "scheduled": "it has a node",
    "started": "its container runs",
    "ready": "it is Ready",
    "answered": "a client has its first answer",
}


def table(steps: Sequence[Step], absent: Mapping[str, str] = NONE) -> str:
    """The time budget in Markdown: seconds since the step, and seconds that the link itself took.

    Links that are `absent` have no row, but a line below that says why.
    """
    lines = ["| link | p50, s | p95, s | own p50, s | seen |", "| --- | ---: | ---: | ---: | ---: |"]
    own = [spent(step) for step in steps]
    for name in LINKS:
        if name in absent:
            continue
        at = sorted(value for step in steps if (value := getattr(step, name)) is not None)
        took = sorted(value for each in own if (value := each[name]) is not None)
        figures = (nearest_rank(at, 0.5), nearest_rank(at, 0.95), nearest_rank(took, 0.5))
        lines.append(
            f"| {MEANING[name]} | {' | '.join(f'{figure:.1f}' for figure in figures)} | {len(at)} of {len(steps)} |"
        )
        if name == "crossed":
            lines.extend(_of_signals(steps))
    requests, failed = sum(step.requests for step in steps), sum(step.failed for step in steps)
    reasons = sum((Counter(step.reasons) for step in steps), Counter[str]())
    why = f" ({', '.join(f'{reason}: {count}' for reason, count in reasons.most_common())})" if reasons else ""
    lines += ["", f"{requests} requests since the steps, {failed} of them failed{why}."]
    return "\n".join([*lines, *(f"\n*{MEANING[name]}* {reason}." for name, reason in absent.items())])


def _of_signals(steps: Sequence[Step]) -> list[str]:
    """A row for each query where there are two."""
    rows = []
    for name in dict.fromkeys(name for step in steps for name in step.signals if len(step.signals) > 1):
        at = sorted(value for step in steps if (value := step.signals.get(name)) is not None)
        times = f"{nearest_rank(at, 0.5):.1f} | {nearest_rank(at, 0.95):.1f}" if at else "- | -"
        rows.append(f"| - that of {name} | {times} | | {len(at)} of {len(steps)} |")
    return rows


def write(steps: Sequence[Step], folder: Path, absent: Mapping[str, str] = NONE) -> None:
    """Write reaction.json, each step with its links, and reaction.md, the table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reaction.json").write_text(json.dumps([asdict(step) for step in steps], indent=1) + "\n")
    (folder / "reaction.md").write_text(table(steps, absent) + "\n")


def document(steps: Sequence[Step], path: Path, absent: Mapping[str, str] = NONE) -> None:
    """Put the table and the revision between the marks of a Markdown file.

    Raises:
        LoadTestError: it has no such marks.
    """
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise LoadTestError(f"{path} lacks the lines {BEGIN} and {END}, between which the table goes")
    path.write_text(f"{before}{begin}\n{table(steps, absent)}\n\nRevision {revision()}.\n{end}{after}")
