"""What every answer has in common, whatever feature it comes from."""

from . import unbuilt_models  # before anything that imports FastAPI

__all__ = ["unbuilt_models"]
