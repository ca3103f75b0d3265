"""`python -m tests.unit.loadtests.watch.record MOMENT`: keep what the cluster answers to the live view now."""

import json
import sys
from pathlib import Path
from typing import Any

from loadtests.watch.api_server import ApiServer
from loadtests.watch.events import read_events
from loadtests.watch.fleet import read_deployment, read_fleet
from loadtests.watch.traffic import read_traffic, traffic_query

EVENTS_KEPT = 25
RECORDED = Path(__file__).parent / "recorded"


class RecordingApiServer(ApiServer):
    """Keeps each answer by its path."""

    def __init__(self) -> None:
        super().__init__("kind-users-api", "monitoring/prometheus:9090")
        self.answers: dict[str, Any] = {}

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """Read one path, and keep the answer without what nobody reads."""
        answer = self.answers[path] = super().get(path, **parameters)
        for each in (answer, *answer.get("items", ())):
            each.get("metadata", {}).pop("managedFields", None)
        if path.endswith("/events"):
            newest_last = sorted(answer["items"], key=lambda event: event["metadata"]["creationTimestamp"])
            answer["items"] = newest_last[-EVENTS_KEPT:]
        return answer


def main() -> None:
    """Write recorded/MOMENT.json."""
    api = RecordingApiServer()
    read_fleet(api, read_deployment(api, "users-api", "users-api"))
    read_traffic(api, traffic_query("users-api", "users-api", 20))
    read_events(api, "users-api", "users-api")
    (RECORDED / f"{sys.argv[1]}.json").write_text(json.dumps(api.answers, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
