import pytest
from pydantic import ValidationError

from service.fleet import FleetSettings
from service.fleet.settings import fleet_settings


def test_each_application_has_a_prefix_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its variables count, those of others and of its own do not, and what is passed stands before them."""
    for name, value in {"SHOP_PORT": "81", "SHOP_SERVER_ID": "a", "OTHER_WORKERS": "9", "SHOP_COLOUR": "red"}.items():
        monkeypatch.setenv(name, value)
    settings = FleetSettings("SHOP_", server_id="b")
    assert (settings.port, settings.workers, settings.server_id, settings.variables) == (81, 1, "b", "SHOP_")
    assert not settings.is_production
    assert settings.is_alone


def test_what_kubernetes_says_of_a_service_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Service named shop beside the pod stops nothing."""
    monkeypatch.setenv("SHOP_PORT", "tcp://10.96.7.1:80")
    assert FleetSettings(prefix="SHOP_").port == 8000


def test_a_value_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """So are workers that the server would have only one of."""
    monkeypatch.setenv("SHOP_PORT", "70000")
    with pytest.raises(ValidationError, match="port"):
        FleetSettings("SHOP_")
    with pytest.raises(ValidationError, match="WORKERS above 1 needs SERVER gunicorn or granian"):
        FleetSettings(workers=2)
    assert FleetSettings(workers=2, server="granian").workers == 2


@pytest.mark.parametrize("missing", ["opentelemetry.nothing", "opentelemetry.nothing.at_all"])
def test_traces_need_what_their_extra_brings(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Only where they are on; what is refused says how to get it."""
    monkeypatch.setenv("SHOP_OTEL_ENABLED", "true")
    assert FleetSettings("SHOP_").otel_enabled
    monkeypatch.setattr(fleet_settings, "TRACING", (*fleet_settings.TRACING, missing))
    with pytest.raises(ValidationError, match=r"OTEL_ENABLED needs .*: install fastapi-fleet\[tracing\]"):
        FleetSettings("SHOP_")
    assert not FleetSettings("SHOP_", otel_enabled=False).otel_enabled
