"""Pictures of panels without Grafana: good enough to see an empty or unreadable one."""
