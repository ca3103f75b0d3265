import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from service import NAME
from service.fleet.settings.common import CommonSettings, ExpectedReplicas, RedisAddress, RedisPrefix, Text
from service.fleet.settings.entries import Seconds
from service.fleet.settings.environment import read
from service.fleet.settings.forms import HttpUrl, Listed, PostgresServerUrl, PostgresUrl
from service.settings import environment
from service.settings.entries import StaticToken
from service.settings.rules import RULES

# What `curl -H "Authorization: Bearer test-token"` sends in development; hashed like any other.
TEST_TOKEN_SHA256 = "4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e"  # noqa: S105 - a hash of a public token


class Settings(CommonSettings, BaseSettings):
    """All there is to set, read once from `USERS_API_*` environment variables; lists and objects are JSON.

    A line here is all that a setting needs, or one in `CommonSettings` if it has nothing to do with users. `repr=False`
    keeps what may hold a password out of every message.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=False)

    environment: Literal["development", "staging", "production"] = Field(
        "development",
        description="`development` accepts the token `test-token` and shows /docs; `production` refuses static tokens"
        " and fault endpoints.",
    )

    # Authentication
    static_tokens: Annotated[tuple[StaticToken, ...], Listed] | None = Field(
        None, repr=False, description="Bearer tokens for development and staging, given by their hashes."
    )
    jwt_jwks_url: HttpUrl | None = Field(
        None, repr=False, description="URL of the issuer's key set. Needed in production."
    )
    jwt_jwks_file: Path | None = Field(None, description="File with the issuer's key set, instead of a URL.")
    jwt_issuer: Text | None = Field(None, description="Required `iss` claim.")
    jwt_audience: Text | None = Field(None, description="Required `aud` claim.")
    jwt_leeway_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        30, description="Seconds by which the issuer's clock may differ."
    )
    jwt_jwks_refresh_seconds: Seconds = Field(300, description="Seconds between two readings of the key set.")

    # Redis
    redis_url: RedisAddress = "redis://127.0.0.1:6379/0"
    redis_key_prefix: RedisPrefix = NAME

    # PostgreSQL
    database_url: PostgresUrl = Field(
        "",
        repr=False,
        description="Where PostgreSQL is; of several hosts the one that takes writes is used. Empty: each process makes"
        " up a thousand users of its own, for development.",
    )
    database_replica_urls: Annotated[tuple[PostgresServerUrl, ...], Listed] = Field(
        (),
        repr=False,
        description="Where its replicas are. They answer reads that may be up to a second old. Each address has a pool"
        " of its own.",
    )
    database_username: Text | None = Field(None, description="Role to log in as, instead of the URL's.")
    database_password: SecretStr | None = Field(None, description="Its password.")
    database_pool_size: Annotated[int, Field(ge=1, le=1000)] = Field(
        8, description="Connections of each process. All processes together must fit the server's max_connections."
    )
    database_max_waiting: Annotated[int, Field(ge=0, le=100_000)] = Field(
        256, description="Requests that may wait for a connection; those beyond get 503 at once."
    )
    database_wait_seconds: Seconds = Field(
        0.25,
        description="Seconds that a request waits for others to give back a connection. While one is being opened it"
        " waits for as long as an operation may take.",
    )
    database_connect_timeout_seconds: Seconds = Field(
        0.5,
        description="Seconds for a new connection while there is no other. The first, further ones, and those to a"
        " server that counts as away may take 5.",
    )
    database_operation_timeout_seconds: Seconds = Field(
        0.9, description="Seconds for a read or a write in all: the wait, the connection and a second try included."
    )
    database_idle_seconds: Seconds = Field(60, description="Seconds after which an unused connection is closed.")
    database_breaker_failures: Annotated[int, Field(ge=1, le=1000)] = Field(
        3, description="Failures in a row after which PostgreSQL is not asked, until it answers probes again."
    )
    database_probe_interval_seconds: Seconds = Field(0.5, description="Seconds between two checks whether it is back.")
    database_slow_query_seconds: Seconds = Field(
        0.2, description="Statements that take this long or longer leave a log line."
    )

    rate_limit_expected_replicas: ExpectedReplicas = 3

    # Answers
    fast_path_enabled: bool = Field(True, description="Answer cached reads before FastAPI.")  # noqa: FBT003 - a default

    docs_enabled: bool | None = Field(
        None, description="Serve /docs and /openapi.json; everywhere but in production when left out."
    )

    # What tests break the service with.
    faults_enabled: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Serve /api/faults/*, which burn CPU, sleep and fail on request. Refused in production.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours sees the names that are no settings too
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return what is passed, then the environment."""
        found = read(os.environ, cls.model_fields, environment.PREFIX)
        return init_settings, InitSettingsSource(settings_cls, init_kwargs=found)

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        names = {name: f"{environment.PREFIX}{name.upper()}" for name in type(self).model_fields}
        settings = dict(self)
        broken = [rule for rule in RULES if all(condition.holds(settings) for condition in rule.conditions)]
        if broken:
            raise PydanticCustomError("rule", "\n".join(rule.remedy.format(**names) for rule in broken))
        return self

    @model_validator(mode="after")
    def _names_a_role(self) -> Self:
        if self.database_url and self.database_username is None and not environment.names_a_role(self.database_url):
            prefix = environment.PREFIX
            message = (
                "{prefix}DATABASE_URL names no role, nor has this process' user a name: set {prefix}DATABASE_USERNAME"
            )
            raise PydanticCustomError("nameless", message, {"prefix": prefix})
        return self

    @cached_property
    def tokens(self) -> tuple[StaticToken, ...]:
        """The static tokens in force: those set, else `test-token` in development, else none."""
        if self.static_tokens is not None:
            return self.static_tokens
        if self.environment == "development":
            scopes = frozenset({"users:read", "users:write"})
            return (StaticToken(sha256=TEST_TOKEN_SHA256, subject="developer", scopes=scopes),)
        return ()

    @property
    def variables(self) -> str:
        """What the names of the variables begin with."""
        return environment.PREFIX

    @property
    def docs_are_served(self) -> bool:
        """Whether /docs answers: as set, else everywhere but in production."""
        return self.environment != "production" if self.docs_enabled is None else self.docs_enabled
