"""Alertmanager: its manifest, and how its source is made to compile as the module proxy has it."""
