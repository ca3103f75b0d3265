from ..http.state_key import StateKey

SPENT_SECONDS = StateKey[float]("spent_seconds")
"""What a layer further out than all that measures has spent on a request before it passed it on."""
