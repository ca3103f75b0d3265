"""Clients that mean harm (slow, ambiguous, oversized), and the witness who sees whether they get at others."""
