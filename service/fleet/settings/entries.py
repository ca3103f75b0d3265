import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from .forms import Route

Seconds = Annotated[float, Field(gt=0, le=3600)]
_NEEDS_ONE = "needs a route, a subject or both: everybody's limit is a setting of its own"


class Entry(BaseModel):
    """An object in a list. Its names may be written as the chart's values are, in camel case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _in_snake_case(cls, value: Any) -> Any:  # noqa: ANN401 - whatever stands in the list
        if not isinstance(value, dict):
            return value
        return {re.sub("([A-Z])", r"_\1", str(name)).lower(): entry for name, entry in value.items()}


class RateLimitOverride(Entry):
    """Another limit for one route, one subject, or one subject on one route."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["route"]}, {"required": ["subject"]}], "wanted": _NEEDS_ONE}
    )

    requests: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(description="Requests in a window.")
    window_seconds: Seconds = Field(description="Length of the window.")
    route: Route | None = Field(None, description="Path that it is for, as routes are declared; any when left out.")
    subject: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(
        None, description="Token subject that it is for; anybody's when left out."
    )

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.route is None and self.subject is None:
            raise PydanticCustomError("needs_one", _NEEDS_ONE)
        return self
