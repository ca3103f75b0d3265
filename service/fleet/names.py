METRICS = "fleet_"
"""What the names of metrics begin with that are no standard ones."""
ACCESS_LOG = "fleet.access"
"""The logger that requests are logged by."""
# Both may be set anew before what counts and logs is imported.
