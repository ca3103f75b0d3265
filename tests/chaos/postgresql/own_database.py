"""The users of a release that has its database to itself, and the end of both."""

from tests.chaos.postgresql import owner_job
from tests.e2e.postgres_server import primary
from tests.e2e.release import Release

# A million on a busy machine.
SEEDED_SECONDS = 600


def seed(release: Release, users: int) -> None:
    """Have the users 1 to `users`."""
    owner_job.wait_for_migration(release)
    there = primary(release).sql(f"SELECT count(*) FROM users WHERE id <= {users}")  # noqa: S608 - a number
    if there != str(users):
        owner_job.begin(release, "seed", "python", "-m", "service.seed", "--users", str(users))
        owner_job.wait(release, "seed", SEEDED_SECONDS)


def remove(release: Release) -> None:
    """Take away the release with its namespace, and so its database; who needs the namespace anew waits for its end."""
    release.uninstall()
    release.kubectl("delete", "namespace", release.namespace, "--ignore-not-found", "--wait=false")
