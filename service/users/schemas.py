from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# No control characters, and no space at either end. Written out, as \s means other things in other languages.
Name = Annotated[
    str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$")
]
# A valid e-mail address in HTML (WHATWG, 4.10.5.1.5); only a mail that arrives proves one.
_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
Email = Annotated[
    str, StringConstraints(max_length=254, pattern=rf"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(\.{_LABEL})*$")
]
MAX_USER_ID = 2**53 - 1  # the largest that JavaScript's numbers hold exactly
UserId = Annotated[int, Field(ge=1, le=MAX_USER_ID)]


class User(BaseModel):
    """A user as the API shows it."""

    model_config = ConfigDict(frozen=True)

    id: UserId
    name: Name
    email: Email
    created_at: datetime


class UserCreate(BaseModel):
    """What it takes to create a user."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name
    email: Email


class UserUpdate(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name | None = None
    email: Email | None = None


class UserPage(BaseModel):
    """Users in the order of their ids, and where the next page starts."""

    items: list[User]
    next: Annotated[str | None, Field(description="Pass it as `after` for the next page; null on the last one.")]
