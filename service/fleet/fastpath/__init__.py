"""Cached reads answered before routing, validation and serialising, and indistinguishable from theirs."""

from .middleware import FastPath

__all__ = ["FastPath"]
