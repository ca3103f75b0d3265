from typing import Annotated

from pydantic import Field, StringConstraints

from service.fleet.settings.entries import Entry
from service.fleet.settings.forms import SHA256


class StaticToken(Entry):
    """A token known by its SHA-256 only, for development and tests."""

    sha256: Annotated[str, SHA256, StringConstraints(to_lower=True)] = Field(description="Hash of the token.")
    subject: Annotated[str, StringConstraints(min_length=1, max_length=256)] = Field(
        description="Whom its requests count for."
    )
    scopes: frozenset[str] = Field(frozenset(), description="What it may do: users:read, users:write.")
