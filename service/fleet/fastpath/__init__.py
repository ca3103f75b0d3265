"""Cached reads answered before routing, validation and serialising, and indistinguishable from theirs."""

from .middleware import FastPath, install_fast_path

__all__ = ["FastPath", "install_fast_path"]
