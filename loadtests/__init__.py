"""Locustfiles.

Locust runs `shop.py` by its path; nothing else imports this folder, because `import locust` patches the process.
"""
