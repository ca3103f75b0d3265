"""What is to be made, as the chart writes it in the argument of the Job."""

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Passwords(_Part):
    """Passwords of one Secret, one under each key."""

    secret: str
    keys: tuple[str, ...] = Field(min_length=1)
    username: str | None = Field(default=None, description="Whose they are: goes beside them, in a Secret for a login.")
    taken_from: str | None = Field(default=None, description="Secret of an older chart whose values are kept.")
    kept: bool = Field(default=False, description="Whether it stays when the release goes, as data on a volume does.")


class Certificate(_Part):
    """A self-signed certificate for some hosts."""

    secret: str
    hosts: tuple[str, ...] = Field(min_length=1)
    valid_days: int = Field(default=365, ge=1)
    renew_days: int = Field(default=30, ge=1)
    taken_from: str | None = None
    has_ca: bool = Field(default=False, description="Whether clients find there what vouches for it, as ca.crt.")


class Plan(_Part):
    """All that a release needs."""

    labels: dict[str, str] = Field(default_factory=dict)
    passwords: tuple[Passwords, ...] = ()
    certificates: tuple[Certificate, ...] = ()
