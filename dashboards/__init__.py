"""Dashboards and SLO rules as code: boards in Python, what Grafana and Prometheus load generated from them."""
