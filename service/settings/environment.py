import getpass
from urllib.parse import parse_qs, urlsplit

PREFIX = "USERS_API_"


def names_a_role(url: str) -> bool:
    """Whether a URL of PostgreSQL's says who logs in, or the system does: the user of a container has a number only."""
    parts = urlsplit(url)
    if parts.username or "user" in parse_qs(parts.query):
        return True
    try:
        return bool(getpass.getuser())
    except (KeyError, OSError):  # Python 3.13 has made one of the other
        return False
