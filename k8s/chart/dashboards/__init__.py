"""Grafana dashboards of the service, written to `chart/dashboards/` by `python -m k8s.chart.dashboards`."""
