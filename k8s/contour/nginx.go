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
	// As ingress-nginx has them where an Ingress says nothing; and for no limit, more than a Service's pods mostly are.
	nginxNext, nginxTries, nginxRead, nginxConnect = "error timeout", 3, 60 * time.Second, 5 * time.Second
	unlimitedTries                                 = 10
	// Under the 75 s of the services: the side that reuses a connection must be the first to let go of it.
	idleConnectionTimeout = 60 * time.Second
	// Between two parts of a request or an answer. Above the service's own 10 s for a slow body, so that its 408 gets
	// through, and above all tries: an end by this limit is counted for no Service.
	idleStreamTimeout, overTheTries = 15 * time.Second, 5 * time.Second
)

// Of these only what no pod has had is sent again.
var changing = []string{"POST", "PATCH", "LOCK"}

// withNginx gives a route for a host of an Ingress what its annotations of ingress-nginx ask for: time limits, tries, and
// the way to HTTPS. It returns the route, and one for each method that changes something each time it is sent.
func withNginx(ingress *networking_v1.Ingress, host string, route *Route) []*Route {
	said := func(name string) string { return strings.TrimSpace(ingress.Annotations[nginxPrefix+name]) }
	secured := slices.ContainsFunc(ingress.Spec.TLS, func(one networking_v1.IngressTLS) bool {
		return slices.Contains(one.Hosts, host)
	})
	route.HTTPSUpgrade = route.HTTPSUpgrade || said("force-ssl-redirect") == "true" || secured && said("ssl-redirect") != "false"
	route.Websocket = true
	for _, cluster := range route.Clusters {
		cluster.TimeoutPolicy.ConnectTimeout = seconds(said("proxy-connect-timeout"), nginxConnect)
		cluster.TimeoutPolicy.IdleConnectionTimeout = timeout.DurationSetting(idleConnectionTimeout)
	}
	next := strings.Fields(said("proxy-next-upstream"))
	if len(next) == 0 {
		next = strings.Fields(nginxNext)
	}
	tries := nginxTries
	if number, err := strconv.Atoi(said("proxy-next-upstream-tries")); err == nil && number >= 0 {
		tries = number
	}
	if tries == 0 {
		tries = unlimitedTries
	}
	if slices.Contains(next, "off") {
		tries = 1
	}
	read := seconds(said("proxy-read-timeout"), nginxRead)
	route.RetryPolicy = retries(next, tries, read)
	// Not the whole answer: nginx limits the time to its beginning, and between its parts.
	route.TimeoutPolicy = RouteTimeoutPolicy{
		ResponseTimeout:   timeout.DisabledSetting(),
		IdleStreamTimeout: timeout.DurationSetting(max(idleStreamTimeout, time.Duration(tries)*read+overTheTries)),
	}
	routes := []*Route{route}
	for _, method := range changing {
		once := *route
		once.HeaderMatchConditions = append(slices.Clone(route.HeaderMatchConditions), HeaderMatchCondition{
			Name: ":method", Value: method, MatchType: HeaderMatchTypeExact,
		})
		if !slices.Contains(next, "non_idempotent") && strings.Contains(route.RetryPolicy.RetryOn, "reset") {
			policy := *route.RetryPolicy
			policy.RetryOn, policy.RetriableStatusCodes = "connect-failure,reset-before-request", nil
			once.RetryPolicy = &policy
		}
		routes = append(routes, &once)
	}
	return routes
}

// retries says on what another pod is asked. Without tries it is still there, on nothing: for the time limit of the first.
func retries(next []string, tries int, read time.Duration) *RetryPolicy {
	policy := &RetryPolicy{RetryOn: "retriable-status-codes", PerTryTimeout: timeout.DurationSetting(read)}
	if tries == 1 {
		return policy
	}
	policy.NumRetries = uint32(tries - 1)
	if slices.Contains(next, "error") || slices.Contains(next, "timeout") {
		policy.RetryOn += ",connect-failure,reset"
	}
	for _, condition := range next {
		if status, found := strings.CutPrefix(condition, "http_"); found {
			if code, err := strconv.ParseUint(status, 10, 32); err == nil {
				policy.RetriableStatusCodes = append(policy.RetriableStatusCodes, uint32(code))
			}
		}
	}
	return policy
}

func seconds(text string, otherwise time.Duration) time.Duration {
	if number, err := strconv.Atoi(text); err == nil && number > 0 {
		return time.Duration(number) * time.Second
	}
	return otherwise
}
