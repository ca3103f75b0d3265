"""Checks each link from the metrics' source to the autoscaler, and to the database; names the first broken one."""
