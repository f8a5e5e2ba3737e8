"""A chain of services, for failures that grow with depth."""
