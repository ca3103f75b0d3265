"""`python -m tests.unit.loadtests.watch.record MOMENT`: keep what the cluster answers to the live view now."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from k8s.client import prometheus, release
from k8s.client.api import connect, get
from k8s.client.application import USERS_API
from k8s.cluster.kind import CONTEXT
from loadtests.watch import View

EVENTS_KEPT = 25
RECORDED = Path(__file__).parent / "recorded"


def main() -> None:
    """Write recorded/MOMENT.json."""
    answers: dict[str, Any] = {}

    def keep(api: Any, path: str, parameters: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Read one path, and keep the answer without what nobody reads."""
        answer = answers[path] = get(api, path, parameters)
        for each in (answer, *answer.get("items", ())):
            each.get("metadata", {}).pop("managedFields", None)
        if path.endswith("/events"):
            newest_last = sorted(answer["items"], key=lambda event: event["metadata"]["creationTimestamp"])
            answer["items"] = newest_last[-EVENTS_KEPT:]
        return answer

    for module in (prometheus, release):
        vars(module)["get"] = keep
    api = connect(CONTEXT)
    view = View(
        CONTEXT,
        release.Release(api, USERS_API.namespace, USERS_API.release),
        prometheus.Prometheus(api, USERS_API.prometheus),
        20,
    )
    for feed in (view.fleet, view.traffic, view.events):
        feed.source()
    (RECORDED / f"{sys.argv[1]}.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
