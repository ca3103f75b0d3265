"""Load on the service, and what it does under it: k6 scripts, the timeline of a ramp, benchmarks."""
