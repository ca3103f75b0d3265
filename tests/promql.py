import re
from collections.abc import Mapping

# What Grafana would fill in; a test's window is as long as four scrapes of the slowest exporter.
VARIABLES = {"$namespace": "users-api", "$release": "users-api", "$__rate_interval": "1m"}
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*[{\[]")
_BARE = re.compile(r"(?<![\w:])((?:users_api|http|kube|redis|container|process)_\w+)(?![\w:(])")
_STRING = re.compile(r'"[^"]*"')
_RECORDED = re.compile(r"(release:[\w:]+)\{[^}]*\}(?:\[(\w+)\])?")


def substituted(expr: str) -> str:
    """Fill a panel's variables in, for the release `users-api` of the namespace `users-api`."""
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, value)
    return expr


def metric_names(expr: str) -> set[str]:
    """Names of the metrics in a PromQL expression: before a selector, or alone by the prefix of a known exporter."""
    plain = _STRING.sub('""', expr)
    return set(_SELECTOR.findall(plain)) | set(_BARE.findall(plain))


def expanded(expr: str, records: Mapping[str, str]) -> str:
    """Put in place of each recorded series what its rule records, for a Prometheus that has not loaded the rules."""

    def rule(found: re.Match[str]) -> str:
        name, window = found.groups()
        # The local Prometheus keeps a day, so that a month is no more.
        return f"({records[name]})" + ("[1d:30s]" if window else "")

    return _RECORDED.sub(rule, expr)
