from service.database import NoDatabase


def test_what_is_not_there_is_not_available() -> None:
    """Who asks it without asking first whether there is one is told that it doesn't answer."""
    database = NoDatabase()
    assert not database.is_enabled
    assert database.available is database.checks()["available"] is False
