from collections.abc import Iterator

import pytest
from kubernetes import client

from tests.chaos.experiment import Experiment, Run, Start
from tests.chaos.postgresql.own_database import remove, seed
from tests.chaos.postgresql.values import SEEDED_USERS
from tests.e2e.release import Release

NAMESPACE = "chaos-postgresql"


@pytest.fixture(scope="package")
def installed(api: client.ApiClient) -> Iterator[Release]:
    """Give a release in a namespace of its own, as a database is left behind by its release; the shared one goes."""
    Release(api).uninstall()  # both would be behind the same Ingress
    release = Release(api, NAMESPACE)
    yield release
    remove(release)


@pytest.fixture
def start(start: Start, installed: Release) -> Start:
    """Install what an experiment needs, with users in its database."""

    def begin(experiment: Experiment) -> Run:
        run = start(experiment)
        seed(installed, SEEDED_USERS)
        return run

    return begin
