from typing import Any

from loadtests.tune.ownership import MANAGER, given_back

NAMES = ("minReplicas", "maxReplicas")


def _entry(manager: str, *fields: str, **more: str) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": "Apply",
        "fieldsV1": {"f:spec": {f"f:{each}": {} for each in fields}},
        **more,
    }


def test_fields_are_theirs_again_who_had_them() -> None:
    """Helm has them beside what it kept, another that had nothing else comes back, and nothing of ours is left."""
    before = [_entry("helm", *NAMES, "behavior"), _entry("kubectl", "maxReplicas", time="then"), _entry("keda")]
    now = [_entry("helm", "behavior"), _entry(MANAGER, *NAMES), _entry("keda"), _entry("new", "metrics")]
    assert given_back(before, now, NAMES) == [
        _entry("helm", "behavior", *NAMES),
        _entry("keda"),
        _entry("new", "metrics"),
        _entry("kubectl", "maxReplicas", time="then"),
    ]


def test_another_way_of_the_same_manager_is_another_owner() -> None:
    """What Helm 3 has updated is not what Helm 4 applies."""
    before = [_entry("helm", *NAMES, operation="Update")]
    now = [_entry("helm", "behavior"), _entry(MANAGER, *NAMES)]
    assert given_back(before, now, NAMES) == [now[0], before[0]]


def test_what_an_earlier_run_left_is_nobodys() -> None:
    """A run that was killed has left the fields ours: they are not given to us again."""
    assert given_back([_entry(MANAGER, *NAMES)], [_entry(MANAGER, *NAMES)], NAMES) == []
