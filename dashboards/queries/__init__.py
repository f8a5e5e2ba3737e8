"""Every PromQL expression of the boards and rules, by name: the only folder that has any.

Counters are read through rate() or increase() alone. $__rate_interval and $__range are Grafana's; the pictures fill
them in as Grafana does. What users see comes from the load generator (`loadgen_*`), counted from the intended send.
"""
