import pytest

from service.fleet.ratelimit.decision import Decision
from service.fleet.ratelimit.policy import Override, Policies, Policy

ROUTE = "/api/users/{user_id}"
POLICIES = Policies(
    100,
    60,
    [
        Override(10, 60, route=ROUTE),
        Override(20, 60, subject="batch"),
        Override(30, 60, route=ROUTE, subject="partner"),
    ],
)


@pytest.mark.parametrize(
    ("path", "subject", "requests"),
    [
        ("/api/users", None, 100),
        ("/api/users", "someone", 100),
        ("/api/users/7", None, 10),
        ("/api/users/7", "someone", 10),
        ("/api/users", "batch", 20),
        ("/api/users/7", "batch", 20),
        ("/api/users", "partner", 100),
        ("/api/users/7", "partner", 30),
    ],
)
def test_most_specific_policy_wins(path: str, subject: str | None, requests: int) -> None:
    """Subject on route before subject before route before the default."""
    assert POLICIES.find(path, subject).requests == requests


def test_override_must_name_something() -> None:
    """An override of nothing is refused."""
    with pytest.raises(ValueError, match="route, a subject or both"):
        Policies(100, 60, [Override(10, 60)])


def test_headers_are_structured_fields() -> None:
    """The header fields have the draft's form."""
    assert Policy("default", 100, 60.0).headers(Decision(allowed=True, limit=100, remaining=99, reset_seconds=12)) == [
        (b"ratelimit-policy", b'"default";q=100;w=60'),
        (b"ratelimit", b'"default";r=99;t=12'),
    ]


def test_policies_have_buckets_of_their_own() -> None:
    """Each override has a name, and with it its own count."""
    names = {
        POLICIES.find(path, subject).name for path, subject in (("/", None), ("/api/users/7", None), ("/", "batch"))
    }
    assert len(names) == 3


def test_buckets() -> None:
    """Subjects and addresses can't meet in one bucket, and the names of long subjects are short."""
    policy = Policy("default", 100, 60.0)
    assert policy.subject_bucket("1.2.3.4") == ("default:subject:1.2.3.4", 100, 60.0)
    assert policy.address_bucket("1.2.3.4") == ("default:address:1.2.3.4", 100, 60.0)
    long, longer = (policy.subject_bucket("x" * length)[0] for length in (10_000, 10_001))
    assert len(long) < 100
    assert long != longer
