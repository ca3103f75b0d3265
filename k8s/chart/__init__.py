"""Writes what the chart has from the service's settings: values, schema, and the table that its templates read."""
