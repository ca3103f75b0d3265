import re
from collections.abc import Mapping
from typing import get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from .forms import Form

# What Kubernetes tells pods of the Services beside them: beside one named as the prefix is, all of it begins like ours.
_LINK_NAME = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_LINK_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


def read(environment: Mapping[str, str], fields: Mapping[str, FieldInfo], prefix: str) -> dict[str, str]:
    """Return every variable with this prefix, by the name of its setting; those that are none too, to be refused.

    Blanks around a value are removed. An empty value counts as not set, unless empty means something for that setting.
    A password is taken as it is.
    """
    found = {}
    for variable, text in environment.items():
        if not variable.upper().startswith(prefix) or _is_service_link(variable, text, prefix):
            continue
        name = variable[len(prefix) :].lower()
        field = fields.get(name)
        value = text if field and is_password(field) else text.strip()
        if value or not field or _takes_empty(field):
            found[name] = value
    return found


def service_links(environment: Mapping[str, str], prefix: str) -> list[str]:
    """Return the variables that look like settings, and are what Kubernetes says of a Service of a like name."""
    return [
        name for name, text in environment.items() if name.startswith(prefix) and _is_service_link(name, text, prefix)
    ]


def is_password(field: FieldInfo) -> bool:
    """Whether pydantic hides the value, which may have any character."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _is_service_link(variable: str, text: str, prefix: str) -> bool:
    is_link = variable.startswith(prefix) and _LINK_NAME.fullmatch(variable[len(prefix) :])
    return bool(is_link or (variable.endswith("_PORT") and _LINK_ADDRESS.match(text)))


def _takes_empty(field: FieldInfo) -> bool:
    return any(isinstance(each, Form) and re.fullmatch(each.pattern, "") for each in field.metadata)
