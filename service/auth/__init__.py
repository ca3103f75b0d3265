"""Who asks, and what they may do."""

from service.auth.authenticator import Authenticator
from service.auth.errors import UnauthenticatedError
from service.auth.principal import Principal

__all__ = ["Authenticator", "Principal", "UnauthenticatedError"]
