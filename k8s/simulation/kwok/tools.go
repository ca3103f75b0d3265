//go:build tools

// Package kwok pins what simulates nodes and pods, in a module of its own:
// `make simulate` alone needs it, and the cluster's cache key stays as it is.
package kwok

import _ "sigs.k8s.io/kwok/cmd/kwok"
