from typing import Any

import pytest

from k8s.client.errors import ClusterError
from k8s.client.prometheus import Prometheus, Sample
from k8s.client.release import Release
from loadtests.assess.database import has_database
from loadtests.assess.installation import Installation


class Installed(Release):
    """Stands in for a release whose container has an environment."""

    def __init__(self, container: dict[str, Any]) -> None:
        self._container = container
        self.namespace = "users-api"
        self._known = "users-api"

    def read(self) -> dict[str, Any]:
        """Its Deployment."""
        return {"spec": {"template": {"spec": {"containers": [self._container]}}}}


class Metrics(Prometheus):
    """Stands in for a Prometheus; it answers as it is told, or not at all."""

    def __init__(self, answer: list[Sample] | None) -> None:
        self._answer = answer

    def query(self, promql: str, at_s: float | None = None) -> list[Sample]:  # noqa: ARG002 - as it is called
        """Answer."""
        if self._answer is None:
            raise ClusterError("no answer from Prometheus")
        return self._answer


CONFIG = {"configMapRef": {"name": "users-api"}}
SECRET = {"secretRef": {"name": "own"}}
SERIES = [Sample({"target": "primary"}, ((0.0, 1.0),))]


def _installed(container: dict[str, Any], answer: list[Sample] | None) -> Installation:
    return Installation("", "http://localhost", "t", "l", None, Installed(container), Metrics(answer))


@pytest.mark.parametrize(
    ("container", "answer", "has"),
    [
        ({"envFrom": [CONFIG], "env": [{"name": "USERS_API_DATABASE_USERNAME"}]}, None, True),
        ({"envFrom": [CONFIG], "env": [{"name": "USERS_API_DATABASE_URL"}]}, None, True),
        ({"envFrom": [CONFIG], "env": [{"name": "USERS_API_SERVER_ID"}]}, None, False),
        ({}, None, False),
        ({"envFrom": [CONFIG, SECRET]}, SERIES, True),
        ({"envFrom": [CONFIG, SECRET]}, [], False),
    ],
)
def test_a_database_shows_in_the_environment_or_in_the_metrics(
    container: dict[str, Any], answer: list[Sample] | None, *, has: bool
) -> None:
    """Prometheus is asked only where a Secret may name the database."""
    assert has_database(_installed(container, answer)) is has


def test_what_nobody_can_tell_is_no_absence() -> None:
    """Where a Secret may name it and Prometheus is silent, the phase could not be done."""
    with pytest.raises(ClusterError):
        has_database(_installed({"envFrom": [CONFIG, SECRET]}, None))
