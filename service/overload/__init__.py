"""What keeps a replica answering when more is asked of it than it can do: it refuses the rest at once."""

from service.overload.in_flight import ADMITTED, InFlight
from service.overload.middleware import InFlightMiddleware
from service.overload.refusal import refusal

__all__ = ["ADMITTED", "InFlight", "InFlightMiddleware", "refusal"]
