import hashlib
import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import RateLimitOverride, Settings, StaticToken

HASH = hashlib.sha256(b"another").hexdigest()
DATABASE_URL = "postgresql://db.example.com/users"


def test_development_knows_the_test_token() -> None:
    """Without settings the token that the documentation names works, and may read and write."""
    (token,) = Settings().tokens
    assert token.sha256 == hashlib.sha256(b"test-token").hexdigest()
    assert token.scopes == {"users:read", "users:write"}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_only_development_has_a_default_token(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere no token is known that was not set."""
    monkeypatch.setenv("USERS_API_ENVIRONMENT", environment)
    monkeypatch.setenv("USERS_API_DATABASE_URL", DATABASE_URL)
    assert Settings().tokens == ()


def test_static_tokens_come_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list set in the environment takes the default's place."""
    tokens = json.dumps([{"sha256": HASH, "subject": "ci", "scopes": ["users:read"]}])
    monkeypatch.setenv("USERS_API_STATIC_TOKENS", tokens)
    assert Settings().tokens == (StaticToken(sha256=HASH, subject="ci", scopes=frozenset({"users:read"})),)


def test_an_empty_list_of_tokens_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting no tokens turns the development token off."""
    monkeypatch.setenv("USERS_API_STATIC_TOKENS", "[]")
    assert Settings().tokens == ()


def test_production_refuses_static_tokens() -> None:
    """A token in a setting can't be revoked or expire, so production does not start with one."""
    with pytest.raises(ValidationError, match="STATIC_TOKENS: static tokens don't expire"):
        Settings(environment="production", static_tokens=(StaticToken(sha256=HASH, subject="ci"),))


def test_production_refuses_users_that_do_not_last() -> None:
    """Without a database each replica has users of its own, so production does not start."""
    with pytest.raises(ValidationError, match="DATABASE_URL names no server"):
        Settings(environment="production")


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("No username set in the environment")])
def test_a_database_wants_to_know_who_logs_in(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role comes from the URL, from its own setting, or from the system, which has none for a container's user."""

    def getuser() -> str:
        raise error

    nameless = "postgresql://db.example.com/users"
    assert Settings(database_url=nameless).database_url == nameless
    monkeypatch.setattr("getpass.getuser", getuser)
    with pytest.raises(ValidationError, match="DATABASE_URL names no role"):
        Settings(database_url=nameless)
    for url in ("postgresql://app@db.example.com/users", f"{nameless}?user=app"):
        assert Settings(database_url=url).database_url == url
    assert Settings(database_url=nameless, database_username="app").database_username == "app"


def test_production_refuses_faults() -> None:
    """Nobody can burn the CPU of production by request."""
    with pytest.raises(ValidationError, match="FAULTS_ENABLED"):
        Settings(environment="production", faults_enabled=True)


def test_replicas_need_a_primary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several are a list; without the server that they follow nothing proves what they say."""
    urls = ("postgresql://a/users", "postgresql://b:5433/users")
    monkeypatch.setenv("USERS_API_DATABASE_REPLICA_URLS", ", ".join(urls))
    with pytest.raises(ValidationError, match="set USERS_API_DATABASE_URL too"):
        Settings()
    monkeypatch.setenv("USERS_API_DATABASE_URL", "postgresql://primary/users")
    assert Settings().database_replica_urls == urls
    monkeypatch.setenv("USERS_API_DATABASE_REPLICA_URLS", '[""]')
    with pytest.raises(ValidationError, match="must be an address such as postgresql://host:5432/database"):
        Settings()


def test_keys_come_from_one_place(tmp_path: Path) -> None:
    """A JWKS URL and a file at once would leave open which one holds."""
    with pytest.raises(ValidationError, match="JWT_JWKS_FILE both name the issuer's keys"):
        Settings.model_validate({"jwt_jwks_url": "https://example.com/jwks", "jwt_jwks_file": tmp_path})


def test_cors_takes_no_wildcard() -> None:
    """Cross-origin access is given to named origins only."""
    with pytest.raises(ValidationError, match="would let any site in"):
        Settings(cors_origins=("*",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("WORKERS", "0"),
        ("ACCESS_LOG_SAMPLE_RATIO", "1.5"),
        ("RATE_LIMIT_REQUESTS", "0"),
        ("SERVER", "hypercorn"),
        ("STATIC_TOKENS", '[{"sha256": "test-token", "subject": "x"}]'),
        ("TRUSTED_PROXIES", '["10.0.0.1/33"]'),
        ("RATE_LIMIT_OVERRIDES", '[{"requests": 1, "window_seconds": 1}]'),
        ("RATE_LIMIT_OVERRIDES", '[{"requests": 1, "window_seconds": 1, "route": "/{id}/{id:int}"}]'),
    ],
)
def test_values_out_of_bounds_are_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that can't work stops the start instead of the first request."""
    monkeypatch.setenv(f"USERS_API_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert caught.value.errors()[0]["loc"][0] == name.lower()


def test_an_override_names_a_route_or_a_subject() -> None:
    """Either is enough for an override."""
    assert RateLimitOverride(requests=1, window_seconds=1, route="/api/users").subject is None
    assert RateLimitOverride(requests=1, window_seconds=1, subject="ci").route is None


def test_settings_do_not_change() -> None:
    """What was read at the start holds to the end."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_the_password_does_not_print() -> None:
    """Showing the settings shows no secret."""
    settings = Settings.model_validate({"redis_password": "hunter2"})
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("environment", "enabled", "served"),
    [
        ("development", None, True),
        ("production", None, False),
        ("production", True, True),
        ("development", False, False),
    ],
)
def test_docs_are_off_in_production_unless_set(environment: str, enabled: bool | None, served: bool) -> None:  # noqa: FBT001
    """The docs page follows the environment until a setting decides."""
    settings = Settings.model_validate(
        {"environment": environment, "docs_enabled": enabled, "database_url": DATABASE_URL}
    )
    assert settings.docs_are_served is served


def test_several_workers_need_a_server_that_manages_them() -> None:
    """One process is all that uvicorn runs; the error names the servers that run more."""
    with pytest.raises(ValidationError, match="gunicorn or granian"):
        Settings(workers=2)
    assert Settings(workers=2, server="granian").workers == 2


def test_the_settings_describe_themselves() -> None:
    """Each has a description, and a text of a form its pattern and an example: the chart is made of them."""
    described = Settings.model_json_schema()["properties"]
    assert [name for name, schema in described.items() if not schema.get("description")] == []
    (origin,) = [described["cors_origins"]["items"]]
    assert re.fullmatch(origin["pattern"], "https://app.example.com")
    assert "such as https://app.example.com" in origin["wanted"]


def test_an_error_shows_no_value() -> None:
    """Where nobody makes lines of an error, its own text has no secret either."""
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"static_tokens": "hunter2"})
    assert "hunter2" not in str(caught.value) + repr(caught.value)
