from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """What is known of one link of the chain."""

    link: str
    state: Literal["ok", "broken", "unknown", "none"]
    """Unknown: an earlier link that is broken keeps us from looking. None: there is no such link."""
    text: str
    remedy: str = ""


def ok(link: str, text: str) -> Finding:
    """A link that holds."""
    return Finding(link, "ok", text)


def broken(link: str, text: str, remedy: str) -> Finding:
    """A link that doesn't, and what to do."""
    return Finding(link, "broken", text, remedy)


def unknown(link: str, text: str) -> Finding:
    """A link that cannot be looked at."""
    return Finding(link, "unknown", text)


def none(link: str, text: str) -> Finding:
    """A link that this application does not have, and what would make it have one."""
    return Finding(link, "none", text)
