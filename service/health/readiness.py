class Readiness:
    """Whether this process wants traffic: from the end of its start until it is told to stop."""

    def __init__(self) -> None:
        self.is_ready = False
