"""What one replica holds within the latency target, and the chart's values that follow from it.

Nothing is imported here: what is pure arithmetic needs neither k6 nor the client of Kubernetes.
"""
