"""Variables of the k6 scripts: where they send their requests, who asks, and what for."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from k8s.client.application import Application
from loadtests.errors import LoadTestError

# What of the caller's environment counts more than what is said of the application.
_GIVEN = ("BASE_URL", "TOKEN", "USERS")


def overridden(application: Application, caller: Mapping[str, str]) -> tuple[str, ...]:
    """Name what of the caller's environment stands above something else that a file says."""
    said = {"BASE_URL": application.url, "TOKEN": application.token, "USERS": str(application.ids)}
    if not application.file:
        return ()
    return tuple(name for name in _GIVEN if caller.get(name) and said[name] and caller[name] != said[name])


def environment_of(
    application: Application, caller: Mapping[str, str], variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Write them for an application; `variables` count most, then `caller`, which is the environment of this process.

    Raises:
        LoadTestError: nothing says where it is, or what can be read.
        ApplicationError: the token is in a variable that is not set.
    """
    given = {name: caller[name] for name in _GIVEN if name in caller} | dict(variables or {})
    base_url = given.get("BASE_URL") or application.url or ""
    if lacking := application.lacks("read") or ("" if base_url else application.lacks("url")):
        raise LoadTestError(f"a load {lacking}")
    write, cache = application.write, application.cache or ""
    return {
        "USERS": str(application.ids),
        "READ": application.read or "",
        "WRITE": json.dumps(asdict(write)) if write else "",
        "BURN": application.burn or "",
        # As Go writes the names of headers.
        "CACHE_HEADER": "-".join(word.capitalize() for word in cache.split("-")),
        **given,
        "BASE_URL": base_url,
        "TOKEN": given["TOKEN"] if "TOKEN" in given else application.secret("token", caller),
    }
