"""NetworkPolicies enforced: the manifest, and how its source is made to queue packets on any kernel."""
