from typing import Any

from kubernetes import config
from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import MaxRetryError

from k8s.client.errors import NO_CLUSTER, ClusterError

CALL_TIMEOUT_SECONDS = 5


def connect(context: str) -> Any:  # noqa: ANN401 - the client has no types
    """Make a client of the cluster in this context of the kubeconfig.

    Raises:
        ClusterError: there is no such context.
    """
    try:
        return config.new_client_from_config(context=context)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise ClusterError(f"no cluster: {error}. {NO_CLUSTER}") from error


def no_answer(error: Exception) -> ClusterError:
    """Say why the cluster did not answer, without the words that the client's libraries put around it."""
    if isinstance(error, ApiException) and error.status:
        return ClusterError(f"the cluster does not answer: {error.status} {error.reason}")
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    return ClusterError(f"the cluster does not answer ({reason}): {NO_CLUSTER}")
