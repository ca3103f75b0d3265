import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

SERVERS = ("uvicorn", "granian")
RIVALS = ("raw_asgi", "bare_fastapi", "plain_stack")
# Applications on the library, with what their answers say of the cache once warm: the bare route, and ten lines.
ON_FLEET = {"fleet_alone": None, "on_fleet": "L1"}
# High enough that nobody is refused; the limiter does all of its work below it.
UNREACHED_LIMIT = "1000000000"
# Users that are asked for in turn where users are looked up: one alone would be shared by all requests in flight.
IDS = 100
# More than are asked for in a run, so that nobody is asked for twice.
UNCACHED_IDS = 400_000
UNCACHED = "uncached_get"
UNCACHED_BY_ROUTES = "uncached_get_by_routes"


@dataclass(frozen=True)
class Contestant:
    """A server to measure: `command` and `environment` get {port} and {redis_url} filled in."""

    name: str
    server: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    # Ask for so many users in turn; None: always for the first.
    ids: int | None = None
    # What its X-Cache header must say once warm, so that no figure has the wrong name; None: it has no such header.
    tier: str | None = None

    @property
    def label(self) -> str:
        """Name it in tables."""
        return f"{self.name} on {self.server}"


def rival(name: str, server: str) -> Contestant:
    """Make one of the rivals, on a server set up as for its own benchmarks."""
    app = f"loadtests.bench.rivals.{name}:app"
    commands = {
        "uvicorn": ("uvicorn", app, "--port", "{port}", "--loop", "uvloop", "--http", "httptools", "--no-access-log"),
        "granian": ("granian", app, "--port", "{port}", "--loop", "uvloop", "--interface", "asgi", "--workers", "1"),
    }
    command = (sys.executable, "-m", *commands[server], "--log-level", "warning")
    ids = IDS if name == "plain_stack" else None
    return Contestant(name, server, command, {"BENCH_REDIS_URL": "{redis_url}"}, ids)


def on_fleet(name: str, server: str) -> Contestant:
    """Make one of the applications on the library; with a cache and a limit it is asked for all users in turn."""
    command = (sys.executable, "-m", "service.fleet", f"loadtests.bench.rivals.{name}:app", "--prefix", "SHOP_")
    settings = {
        "server": server,
        "port": "{port}",
        "redis_url": "{redis_url}",
        "rate_limit_requests": UNREACHED_LIMIT,
        "shutdown_delay_seconds": "0",
    }
    environment = {f"SHOP_{key.upper()}": value for key, value in settings.items()}
    tier = ON_FLEET[name]
    return Contestant(name, server, command, environment, IDS if tier else None, tier)


def service(name: str, server: str = "uvicorn", *, tier: str | None = None, **settings: str) -> Contestant:
    """Make the service with every feature on, but for `settings` (names without the prefix, in lower case)."""
    environment = {
        "server": server,
        "port": "{port}",
        "redis_url": "{redis_url}",
        "environment": "development",
        "rate_limit_requests": UNREACHED_LIMIT,
        "shutdown_delay_seconds": "0",
    }
    named = {f"USERS_API_{key.upper()}": value for key, value in {**environment, **settings}.items()}
    return Contestant(name, server, (sys.executable, "-m", "service"), named, IDS, tier)


def uncached(database_url: str, name: str = UNCACHED, **settings: str) -> Contestant:
    """Make the service that has each user from PostgreSQL, as it is asked for one that no cache has yet."""
    return replace(service(name, database_url=database_url, cache_l1_bytes="0", **settings), ids=UNCACHED_IDS)


def contestants() -> list[Contestant]:
    """List all that are compared: the rivals, two on the library, and the service answering from its L1 and its L2."""
    return [
        contestant
        for server in SERVERS
        for contestant in (
            *(rival(name, server) for name in RIVALS),
            *(on_fleet(name, server) for name in ON_FLEET),
            service("service_l1", server, tier="L1"),
            service("service_l2", server, tier="L2", cache_l1_bytes="0"),
        )
    ]
