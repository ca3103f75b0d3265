from starlette.types import Scope

from service.fleet.http.state_key import StateKey
from tests.asgi import http_scope

COLOUR = StateKey[str]("colour")


def test_what_is_left_is_found() -> None:
    """What one layer leaves another finds, under its key only, beside what the server keeps in the state."""
    scope: Scope = {**http_scope(), "state": {"ready": True}}
    assert COLOUR.get(scope) is None
    COLOUR.put(scope, "red")
    assert COLOUR.get(scope) == "red"
    assert StateKey[str]("shape").get(scope) is None
    assert scope["state"]["ready"] is True


def test_a_request_without_a_state_gets_one() -> None:
    """A server that keeps no state is none to lose anything by, and asking makes none."""
    scope = http_scope()
    assert COLOUR.get(scope) is None
    assert "state" not in scope
    COLOUR.put(scope, "red")
    assert COLOUR.get(scope) == "red"
