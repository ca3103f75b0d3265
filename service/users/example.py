from datetime import UTC, datetime, timedelta

from service.users.schemas import User

SEEDED_USERS = 1000
_FIRST_NAMES = ("Ada", "Alan", "Barbara", "Dennis", "Edsger", "Frances", "Grace", "Ken", "Leslie", "Margaret")
_LAST_NAMES = ("Allen", "Dijkstra", "Hamilton", "Hopper", "Lamport", "Liskov", "Lovelace", "Ritchie", "Turing", "Wing")


def example_user(user_id: int) -> User:
    """Return a made-up user, always the same one for an id."""
    first = _FIRST_NAMES[user_id % len(_FIRST_NAMES)]
    last = _LAST_NAMES[user_id // len(_FIRST_NAMES) % len(_LAST_NAMES)]
    return User.model_construct(
        id=user_id,
        name=f"{first} {last}",
        email=f"{first}.{last}.{user_id}@example.com".lower(),
        created_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=user_id),
    )
