"""Grafana dashboards of the service, written to `chart/dashboards/` by `python -m chart.tools.dashboards`."""
