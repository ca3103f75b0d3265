"""A steady open load for a fraction of k6's CPU: `python -m loadtests.steady`, which `loadtests.measure.offer` starts.

Nothing is imported here: what it takes to start would count as what the load costs.
"""
