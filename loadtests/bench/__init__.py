"""The service beside its rivals on one core, and what each of its features costs there."""
