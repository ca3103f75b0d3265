"""Checks each link from the source of the metrics to the autoscaler, and names the first broken one."""
