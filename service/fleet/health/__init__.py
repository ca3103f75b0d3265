"""What Kubernetes, a gateway and a person ask about this process."""
