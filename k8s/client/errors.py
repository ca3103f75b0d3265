# What to do where no cluster is found, or none answers.
NO_CLUSTER = "`make kind-up` brings one; --context (CONTEXT= of make) names another"


class ClusterError(Exception):
    """The cluster does not answer, or lacks what was asked for; the message says what to do."""
