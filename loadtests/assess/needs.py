"""What each target needs of an application: where it says nothing of that, the target does not apply."""

from collections.abc import Mapping

from loadtests.assess.installation import Installation
from loadtests.assess.targets import CACHED, CACHES, LIMITER, SPREAD, WRITES, WRITTEN

# By target, keys of app.yaml.
NEEDS: Mapping[str, str] = {
    **dict.fromkeys((*CACHED, CACHES), "cache"),
    **dict.fromkeys(SPREAD, "replica.path"),
    **dict.fromkeys(WRITTEN, "write.path"),
    LIMITER: "limited",
}
# What was written is read again where the paths of the users API are, and those alone are known.
USERS_ONLY = (
    "does not apply: what was written is read again of the users API alone, by write.path=/api/users and its body"
)


def left_out(installation: Installation) -> dict[str, str]:
    """Name the targets that do not apply, each with the reason."""
    application = installation.application
    found = {target: why for target, key in NEEDS.items() if (why := application.lacks(key))}
    if installation.limited_token:  # that of LIMITED_TOKEN
        found.pop(LIMITER, None)
    if not application.is_users_api:
        found |= dict.fromkeys(WRITES[2:], USERS_ONLY)
    return found
