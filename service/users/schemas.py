from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
# Refuses what surely is none; only a mail that arrives proves an address.
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
# The largest id that JavaScript's numbers hold exactly.
UserId = Annotated[int, Field(ge=1, le=2**53 - 1)]


class User(BaseModel):
    """A user as the API shows it."""

    model_config = ConfigDict(frozen=True)

    id: UserId
    name: Name
    email: Email
    created_at: datetime


class UserCreate(BaseModel):
    """What it takes to create a user."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    email: Email


class UserUpdate(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    email: Email | None = None


class UserPage(BaseModel):
    """Users in the order of their ids, and where the next page starts."""

    items: list[User]
    next: Annotated[str | None, Field(description="Pass it as `after` for the next page; null on the last one.")]
