import pytest

from k8s.client.api import parsed, proxy
from k8s.client.errors import NO_CLUSTER, NoAnswerError


def test_services_and_pods_are_reached_through_the_api_server() -> None:
    """A place is namespace/name:port."""
    assert proxy("monitoring/prometheus:9090") == "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"
    assert proxy("ns/a:8000", "pods") == "/api/v1/namespaces/ns/pods/a:8000/proxy"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, b'{"message": "pods is forbidden"}', "pods is forbidden"),
        (400, b'{"status": "error", "error": "parse error"}', "parse error"),
        (404, b"null", "None"),
        (404, b"[1]", "[1]"),
        (503, b" no endpoints\n", "no endpoints"),
        (200, b"<html>", "<html>"),
    ],
)
def test_what_is_no_json_with_status_200_is_no_answer(status: int, body: bytes, said: str) -> None:
    """The error has the status and what the server said, in whichever field."""
    with pytest.raises(NoAnswerError) as refused:
        parsed(status, body)
    assert (refused.value.status, refused.value.said) == (status, said)
    assert str(refused.value) == f"the cluster answers {status}: {said}"


def test_no_answer_at_all_is_told_with_what_to_do() -> None:
    """Status 0 stands for nobody there."""
    assert str(NoAnswerError(0, "refused")) == f"the cluster does not answer (refused): {NO_CLUSTER}"
