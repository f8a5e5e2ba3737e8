"""The embedded lab: starts, watches and stops the real parts and services on loopback."""
