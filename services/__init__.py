"""The shop: the system under test. Deployables, imported by nobody but tests and the process that runs them."""
