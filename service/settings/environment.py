import getpass
import re
from collections.abc import Mapping
from typing import get_args
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from service.settings.forms import Form

PREFIX = "USERS_API_"
# What Kubernetes tells pods of the Services beside them: beside one named users-api, all of it has our prefix.
_LINK_NAME = re.compile(
    r"USERS_API(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_LINK_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


def read(environment: Mapping[str, str], fields: Mapping[str, FieldInfo]) -> dict[str, str]:
    """Return every variable with our prefix, by the name of its setting; those that are none too, to be refused.

    Blanks around a value are removed. An empty value counts as not set, unless empty means something for that setting.
    A password is taken as it is.
    """
    found = {}
    for variable, text in environment.items():
        if not variable.upper().startswith(PREFIX) or _is_service_link(variable, text):
            continue
        name = variable[len(PREFIX) :].lower()
        field = fields.get(name)
        value = text if field and is_password(field) else text.strip()
        if value or not field or _takes_empty(field):
            found[name] = value
    return found


def service_links(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that look like settings, and are what Kubernetes says of a Service of a like name."""
    return [name for name, text in environment.items() if name.startswith(PREFIX) and _is_service_link(name, text)]


def names_a_role(url: str) -> bool:
    """Whether a URL of PostgreSQL's says who logs in, or the system does: the user of a container has a number only."""
    parts = urlsplit(url)
    if parts.username or "user" in parse_qs(parts.query):
        return True
    try:
        return bool(getpass.getuser())
    except (KeyError, OSError):  # Python 3.13 has made one of the other
        return False


def is_password(field: FieldInfo) -> bool:
    """Whether pydantic hides the value, which may have any character."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _is_service_link(variable: str, text: str) -> bool:
    return bool(_LINK_NAME.fullmatch(variable) or (variable.endswith("_PORT") and _LINK_ADDRESS.match(text)))


def _takes_empty(field: FieldInfo) -> bool:
    return any(isinstance(each, Form) and re.fullmatch(each.pattern, "") for each in field.metadata)
