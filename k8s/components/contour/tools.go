//go:build tools

// Package contour pins Contour: apart from the other components, since it compiles against an older Gateway API than
// the cluster has.
package contour

import _ "github.com/projectcontour/contour/cmd/contour"
