import json

import pytest

from service.__main__ import main


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "http", "error: USERS_API_PORT: Input should be a valid integer"),
        ("KEEP_ALIVE_SECONDS", "7200", "USERS_API_KEEP_ALIVE_SECONDS: Input should be less than or equal to 3600"),
        ("LOG_LEVEL", "LOUD", "error: USERS_API_LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("STATIC_TOKENS", "test-token", "error: USERS_API_STATIC_TOKENS[0]: must be a JSON object in a list"),
        ("TRUSTED_PROXIES", '["10.0.0.0/33"]', "error: USERS_API_TRUSTED_PROXIES[0]: must be a network such as"),
        ("TRUSTED_PROXIES", '["10.0.0.0/8', "error: USERS_API_TRUSTED_PROXIES: is not JSON; write a list such as"),
        ("CORS_ORIGINS", '["*"]', "error: USERS_API_CORS_ORIGINS[0]: must be an origin"),
        ("WORKERS", "2", "error: USERS_API_WORKERS above 1 needs USERS_API_SERVER gunicorn or granian"),
        ("CACHE_TTL_SECOND", "1", "CACHE_TTL_SECOND is not a setting: did you mean USERS_API_CACHE_TTL_SECONDS?"),
        ("QQQ", "1", "error: USERS_API_QQQ is not a setting of this service: leave it out"),
        (
            "RATE_LIMIT_OVERRIDES",
            '[{"requests": 1, "window": 1, "route": "/"}]',
            "OVERRIDES[0].window is not a setting: did you mean USERS_API_RATE_LIMIT_OVERRIDES[0].window_seconds?",
        ),
    ],
)
def test_a_wrong_setting_is_named(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The start ends with the status for wrong usage and a line for each setting, by the name it was set by."""
    monkeypatch.setenv(f"USERS_API_{name}", value)
    assert main() == 64
    output = capsys.readouterr()
    assert message in output.err
    assert "Traceback" not in output.err


def test_all_wrong_settings_are_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever mends one finds no next one: values, names and combinations of rules have a line each."""
    for name, value in {"PORT": "70000", "POTR": "1"}.items():
        monkeypatch.setenv(f"USERS_API_{name}", value)
    assert main() == 64
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines] == ["USERS_API_PORT", "USERS_API_POTR"]
    for name, value in {"PORT": "1", "WORKERS": "2", "ENVIRONMENT": "production", "FAULTS_ENABLED": "on"}.items():
        monkeypatch.setenv(f"USERS_API_{name}", value)
    monkeypatch.delenv("USERS_API_POTR")
    assert main() == 64
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == [
        "USERS_API_FAULTS_ENABLED",
        "USERS_API_DATABASE_URL",
        "USERS_API_WORKERS",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STATIC_TOKENS", '[{"sha256": "hunter2", "subject": "hunter2", "scopes": "hunter2"}]'),
        ("STATIC_TOKENS", '[{"hunter2": "x"'),
        ("STATIC_TOKENS", "hunter2"),
        ("REDIS_URL", "redis2://:hunter2@cache:6379"),
        ("REDIS_PASWORD", "hunter2"),
        ("JWT_JWKS_URL", "https://user:hunter2@issuer.example.com/keys"),
        ("OTEL_ENDPOINT", "otel:4318/hunter2"),
        ("RATE_LIMIT_OVERRIDES", '[{"a": "hunter2"}]'),
    ],
)
def test_a_wrong_setting_does_not_print_a_secret(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What may hold a secret is named, and not shown."""
    monkeypatch.setenv(f"USERS_API_{name}", value)
    assert main() == 64
    output = capsys.readouterr()
    assert f"USERS_API_{name}" in output.err
    assert "hunter2" not in output.err + output.out


def test_a_wrong_value_that_is_no_secret_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line says what was found, unless that would fill the screen."""
    monkeypatch.setenv("USERS_API_PORT", "70000")
    assert main() == 64
    assert "it is '70000'" in capsys.readouterr().err
    monkeypatch.setenv("USERS_API_PORT", "7" * 1000)
    assert main() == 64
    assert "777" not in capsys.readouterr().err


def test_what_kubernetes_says_of_a_service_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Service named users-api beside the pod stops nothing: the log names its variables and what keeps them out."""
    monkeypatch.setenv("USERS_API_PORT", "tcp://10.96.7.1:80")
    monkeypatch.setenv("USERS_API_PORT_80_TCP_ADDR", "10.96.7.1")
    served: list[int] = []
    monkeypatch.setattr("service.fleet.server.uvicorn.run", lambda config: served.append(config.port))
    assert main() == 0
    assert served == [8000]
    record = json.loads(capsys.readouterr().out)
    assert "enableServiceLinks: false" in record["message"]
    assert record["variables"] == ["USERS_API_PORT", "USERS_API_PORT_80_TCP_ADDR"]
