import os
from importlib.util import find_spec
from typing import Any, Self

from pydantic import PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from .common import CommonSettings
from .environment import read

TRACING = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http", "opentelemetry.instrumentation.redis")
"""What the wheel's extra of this name brings."""


class FleetSettings(CommonSettings):
    """What an application is set by: variables that begin with `prefix`, and before them what is passed.

    Others with that prefix are the application's own, and left alone. A value that is out of bounds raises pydantic's
    ValidationError.
    """

    _prefix: str = PrivateAttr()

    def __init__(self, prefix: str = "FLEET_", **values: Any) -> None:  # noqa: ANN401 - pydantic checks them
        fields = type(self).model_fields
        found = {name: text for name, text in read(os.environ, fields, prefix).items() if name in fields}
        super().__init__(**{**found, **values})
        self._prefix = prefix

    @property
    def variables(self) -> str:
        """What the names of the variables begin with."""
        return self._prefix

    @model_validator(mode="after")
    def _is_served_by_one_process(self) -> Self:
        if self.server == "uvicorn" and self.workers > 1:
            message = "above 1 needs SERVER gunicorn or granian: set that, or keep 1 and run more replicas"
            raise PydanticCustomError("workers", "WORKERS " + message)
        return self

    @model_validator(mode="after")
    def _has_what_traces_need(self) -> Self:
        if self.otel_enabled and not all(map(_is_installed, TRACING)):
            message = "needs OpenTelemetry's packages: install fastapi-fleet[tracing], or set it to false"
            raise PydanticCustomError("tracing", "OTEL_ENABLED " + message)
        return self


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is in
        return False
