# What to do where no cluster is found, or none answers.
NO_CLUSTER = "`make kind-up` brings one; --context (CONTEXT= of make) names another"


class ClusterError(Exception):
    """The cluster does not answer, or lacks what was asked for; the message says what to do."""


class NoAnswerError(ClusterError):
    """A request that failed.

    Attributes:
        status: that of HTTP, 0 if nothing answered.
        said: by the server, or why nothing answered.
    """

    def __init__(self, status: int, said: str) -> None:
        super().__init__(
            f"the cluster answers {status}: {said}" if status else f"the cluster does not answer ({said}): {NO_CLUSTER}"
        )
        self.status = status
        self.said = said


class ApplicationError(Exception):
    """What is said of an application cannot be used; the message says where, and what to write instead."""
