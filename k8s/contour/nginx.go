package dag

import (
	"slices"
	"strconv"
	"strings"
	"time"

	networking_v1 "k8s.io/api/networking/v1"

	"github.com/projectcontour/contour/internal/timeout"
)

const (
	nginxPrefix = "nginx.ingress.kubernetes.io/"
	// Under the 75 s of the services: the side that reuses a connection must be the first to let go of it.
	idleConnectionTimeout = 60 * time.Second
	// As ingress-nginx has them where an Ingress says nothing.
	nginxNext, nginxTries, nginxRead, nginxConnect = "error timeout", 3, 60 * time.Second, 5 * time.Second
)

// withNginx gives a route of an Ingress what its annotations of ingress-nginx ask for: time limits, tries, and the way to
// HTTPS. It returns the route, and one for each method that changes something each time it is sent: of those only what
// no pod has had is sent again.
func withNginx(ingress *networking_v1.Ingress, route *Route) []*Route {
	said := func(name string) string { return strings.TrimSpace(ingress.Annotations[nginxPrefix+name]) }
	secured := slices.ContainsFunc(ingress.Spec.TLS, func(one networking_v1.IngressTLS) bool { return len(one.Hosts) > 0 })
	route.HTTPSUpgrade = route.HTTPSUpgrade || said("force-ssl-redirect") == "true" || secured && said("ssl-redirect") != "false"
	// Not the whole answer: nginx limits the time to its beginning, and between its parts.
	route.TimeoutPolicy = RouteTimeoutPolicy{ResponseTimeout: timeout.DisabledSetting()}
	for _, cluster := range route.Clusters {
		cluster.TimeoutPolicy.ConnectTimeout = seconds(said("proxy-connect-timeout"), nginxConnect)
		cluster.TimeoutPolicy.IdleConnectionTimeout = timeout.DurationSetting(idleConnectionTimeout)
	}
	read := seconds(said("proxy-read-timeout"), nginxRead)
	policy := RetryPolicy{PerTryTimeout: timeout.DurationSetting(read)}
	next := strings.Fields(said("proxy-next-upstream"))
	if len(next) == 0 {
		next = strings.Fields(nginxNext)
	}
	if tries, err := strconv.Atoi(said("proxy-next-upstream-tries")); err == nil && tries > 0 && !slices.Contains(next, "off") {
		policy.NumRetries = uint32(tries - 1)
	} else if !slices.Contains(next, "off") {
		policy.NumRetries = nginxTries - 1
	}
	if policy.NumRetries == 0 {
		route.TimeoutPolicy = RouteTimeoutPolicy{ResponseTimeout: timeout.DurationSetting(read)}
		route.RetryPolicy = nil
		return []*Route{route}
	}
	policy.RetryOn = "connect-failure,reset"
	for _, condition := range next {
		if status, found := strings.CutPrefix(condition, "http_"); found {
			if code, err := strconv.ParseUint(status, 10, 32); err == nil {
				policy.RetriableStatusCodes = append(policy.RetriableStatusCodes, uint32(code))
			}
		}
	}
	if len(policy.RetriableStatusCodes) > 0 {
		policy.RetryOn += ",retriable-status-codes"
	}
	route.RetryPolicy = &policy
	routes := []*Route{route}
	if slices.Contains(next, "non_idempotent") {
		return routes
	}
	for _, method := range []string{"POST", "PATCH", "LOCK"} {
		once, less := *route, policy
		less.RetryOn, less.RetriableStatusCodes = "connect-failure,reset-before-request", nil
		once.RetryPolicy = &less
		once.HeaderMatchConditions = append(slices.Clone(route.HeaderMatchConditions), HeaderMatchCondition{
			Name: ":method", Value: method, MatchType: HeaderMatchTypeExact,
		})
		routes = append(routes, &once)
	}
	return routes
}

func seconds(text string, otherwise time.Duration) time.Duration {
	if number, err := strconv.Atoi(text); err == nil && number > 0 {
		return time.Duration(number) * time.Second
	}
	return otherwise
}
