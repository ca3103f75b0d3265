"""The local cluster and its add-ons: what `make kind-up` brings up."""
