import pytest

from service.__main__ import main


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "http", "error: USERS_API_PORT: Input should be a valid integer"),
        ("TRUSTED_PROXIES", "10.0.0.0/8", 'error: settings: error parsing value for field "trusted_proxies"'),
        ("STATIC_TOKENS", "test-token", "error: USERS_API_STATIC_TOKENS: Input should be a valid tuple; lists are"),
        ("TRUSTED_PROXIES", '["10.0.0.1/8"]', "error: USERS_API_TRUSTED_PROXIES_0_"),
        ("CORS_ORIGINS", '["*"]', "error: settings: Value error, CORS_ORIGINS takes origins"),
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


def test_a_wrong_setting_does_not_print_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings hold secrets: the error names the setting only."""
    monkeypatch.setenv("USERS_API_STATIC_TOKENS", '[{"sha256": "my-secret-token", "subject": "x"}]')
    assert main() == 64
    assert "my-secret-token" not in capsys.readouterr().err
