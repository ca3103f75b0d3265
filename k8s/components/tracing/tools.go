//go:build tools

// Package tracing pins what the local cluster's traces are collected and kept
// with: apart from the other components, since Jaeger compiles against an older
// collector than Prometheus does.
package tracing

import _ "github.com/jaegertracing/jaeger/cmd/all-in-one"
