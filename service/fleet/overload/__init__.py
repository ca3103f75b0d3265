"""What keeps a replica answering when more is asked of it than it can do: it refuses the rest at once."""

from .in_flight import ADMITTED, InFlight
from .middleware import InFlightMiddleware
from .refusal import refusal

__all__ = ["ADMITTED", "InFlight", "InFlightMiddleware", "refusal"]
