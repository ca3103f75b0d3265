"""Brings a kind cluster up and down, from published images or from source.

Standard library only: it runs before anything is installed.
"""
