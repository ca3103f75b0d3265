# What to do where no cluster is found, or none answers.
NO_CLUSTER = "`make kind-up` brings one; --context (CONTEXT= of make) names another"


class LoadTestError(Exception):
    """A load test that could not run, or whose verdict is no; the message names the remedy or the reason."""
