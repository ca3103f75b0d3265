from service.database.database import Database


class NoDatabase(Database):
    """No PostgreSQL, by choice: nothing is connected or tried."""

    is_enabled = False

    def __init__(self) -> None:
        self.background = []  # and no server, which would have metrics
        self.replicas = None

    @property
    def available(self) -> bool:
        """There is none."""
        return False

    def checks(self) -> dict[str, object]:
        """Return that there is none, and what follows from it."""
        return {"available": False, "breaker": "off", "users": "made up, in each process its own"}

    async def start(self) -> None:
        """Connect nothing."""

    def drain(self) -> None:
        """Nothing is held."""

    async def aclose(self) -> None:
        """Close nothing."""
