import pytest

from service.fleet.settings.environment import service_links
from service.settings import PREFIX, Settings

LINKS = {
    "USERS_API_SERVICE_HOST": "10.96.7.1",
    "USERS_API_SERVICE_PORT": "80",
    "USERS_API_SERVICE_PORT_HTTP": "80",
    "USERS_API_PORT": "tcp://10.96.7.1:80",
    "USERS_API_PORT_80_TCP": "tcp://10.96.7.1:80",
    "USERS_API_PORT_80_TCP_PROTO": "tcp",
    "USERS_API_PORT_80_TCP_PORT": "80",
    "USERS_API_PORT_80_TCP_ADDR": "10.96.7.1",
    "USERS_API_REDIS_SERVICE_HOST": "10.96.7.2",
    "USERS_API_REDIS_PORT": "tcp://10.96.7.2:6379",
    "USERS_API_REDIS_PORT_6379_TCP_ADDR": "10.96.7.2",
    "USERS_API_DNS_PORT_53_UDP": "udp://10.96.7.3:53",
}


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name != "redis_url"])
@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_value_is_none(name: str, blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable is as one that is not set, as compose files leave it; a password of blanks is one."""
    default = Settings()
    monkeypatch.setenv(f"USERS_API_{name.upper()}", blank)
    if name in {"redis_password", "database_password"} and blank:
        password = getattr(Settings(), name)
        assert password is not None
        assert password.get_secret_value() == blank
    else:
        assert Settings() == default


def test_no_redis_is_an_empty_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where empty means something it is obeyed."""
    monkeypatch.setenv("USERS_API_REDIS_URL", "")
    assert Settings().redis_url == ""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DOCS_ENABLED", " true\n", True),
        ("DOCS_ENABLED", "off", False),
        ("PORT", " 9000 ", 9000),
        ("LOG_LEVEL", "DEBUG\n", "DEBUG"),
        ("JWT_ISSUER", " https://issuer.example.com/ ", "https://issuer.example.com/"),
        ("CORS_ORIGINS", '["https://a.example.com"]', ("https://a.example.com",)),
        ("CORS_ORIGINS", '"https://a.example.com"', ("https://a.example.com",)),
        ("CORS_ORIGINS", "https://a.example.com", ("https://a.example.com",)),
        (
            "CORS_ORIGINS",
            "https://a.example.com, https://b.example.com,",
            ("https://a.example.com", "https://b.example.com"),
        ),
        ("CORS_ORIGINS", "[]", ()),
    ],
)
def test_values_are_read_as_people_write_them(
    name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blanks around a value are no part of it, and one entry or several between commas are a list."""
    monkeypatch.setenv(f"USERS_API_{name}", text)
    assert getattr(Settings(), name.lower()) == value


def test_one_object_is_a_list_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object needs no brackets around it."""
    monkeypatch.setenv("USERS_API_RATE_LIMIT_OVERRIDES", '{"requests": 1, "windowSeconds": 2, "route": "/api"}')
    (override,) = Settings().rate_limit_overrides
    assert (override.requests, override.window_seconds, override.route) == (1, 2, "/api")


def test_a_service_beside_the_pod_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Kubernetes says of Services named users-api and users-api-redis is not a setting, and is known as theirs."""
    default = Settings()
    for name, text in LINKS.items():
        monkeypatch.setenv(name, text)
    assert Settings() == default
    assert service_links({**LINKS, "USERS_API_WORKERS": "2", "PATH": "/bin"}, PREFIX) == list(LINKS)
