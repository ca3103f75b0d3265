"""PromQL with the dashboards' variables: `$namespace`, and `$release`, the name of the release's Deployment."""

NAMESPACE = 'namespace="$namespace"'
# A Deployment's pods are <deployment>-<replica set>-<pod>, which leaves out Redis' and those of helm test.
PODS = NAMESPACE + ',pod=~"$release-[a-z0-9]+-[a-z0-9]{5}"'
CONTAINERS = PODS + ',container="api"'
REDIS_PODS = NAMESPACE + ',pod=~"$release-redis-[0-9]+"'
# Of the release's own PostgreSQL, which mode=bundled has: the primary, and its replicas.
POSTGRESQL_PODS = NAMESPACE + ',pod=~"$release-postgresql(-replica)?-[0-9]+"'
POOLER_PODS = NAMESPACE + ',pod=~"$release-postgresql-pooler-[a-z0-9]+-[a-z0-9]{5}"'
BACKUP = NAMESPACE + ',cronjob="$release-postgresql-backup"'
# Grafana makes it four scrapes or a pixel's width, whichever is longer.
WINDOW = "$__rate_interval"


def select(metric: str, *matchers: str, pods: str = PODS) -> str:
    """Return a selector of the metric's series of the release's pods."""
    return f"{metric}{{{','.join((pods, *matchers))}}}"


def rate(metric: str, *matchers: str, by: str = "", pods: str = PODS) -> str:
    """Return a counter's growth a second, summed over pods or for each value of the label `by`."""
    return summed(f"rate({select(metric, *matchers, pods=pods)}[{WINDOW}])", by)


def total(metric: str, *matchers: str, by: str = "", pods: str = PODS) -> str:
    """Return a gauge's sum over pods or for each value of the label `by`."""
    return summed(select(metric, *matchers, pods=pods), by)


def quantile(share: float, histogram: str, *matchers: str, by: str = "", pods: str = PODS) -> str:
    """Return a histogram's quantile over all pods, or for each value of the label `by`."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', *matchers, by=_both(by, 'le'), pods=pods)})"


def mean(histogram: str, *, by: str = "", pods: str = PODS) -> str:
    """Return the mean of what a histogram or summary observed."""
    return f"{rate(f'{histogram}_sum', by=by, pods=pods)} / {rate(f'{histogram}_count', by=by, pods=pods)}"


def or_zero(expr: str, *, label: str = "", pods: str = PODS) -> str:
    """Return the expression, and 0 where it has no series yet though the pods are scraped.

    A counter with labels has no series before its first event. Zero for pods that nobody scrapes would hide that.
    With `label` the zero is a series of its own, whose label says `none`.
    """
    zero = f"0 * sum(up{{{pods}}})"
    if label:
        zero = f'label_replace({zero}, "{label}", "none", "", "")'
    return f"{expr} or on () {zero}"


def summed(expr: str, by: str) -> str:
    """Return the expression's sum over pods or, if `by` is not empty, for each value of that label."""
    return f"sum by ({by}) ({expr})" if by else f"sum({expr})"


def _both(*labels: str) -> str:
    return ", ".join(label for label in labels if label)
