from k8s.client.release import Release
from tests.e2e.evidence import namespaces
from tests.e2e.release import NAMESPACE


def test_evidence_is_of_the_tests_own_releases() -> None:
    """Those that it has by itself or in a list; a test that has none looks at the shared one."""
    one, other = Release(None, "one", "users-api"), Release(None, "other", "users-api")
    assert namespaces([1, one, [other, one]]) == {"one", "other"}
    assert namespaces(["other", []]) == {NAMESPACE}
