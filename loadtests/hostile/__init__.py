"""Hostile clients (slow, ambiguous, oversized), and a witness that checks whether other clients are affected."""
