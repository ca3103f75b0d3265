class LoadTestError(Exception):
    """A load test that could not run, or whose verdict is no; the message names the remedy or the reason."""
