"""JSON as Go's `encoding/json` reads and writes it.

Toxiproxy's API shows Go's decoder through its error texts, its case-insensitive keys and its treatment of null, so a
compatible server needs the same rules. Source: behaviour of the Go standard library, compared with a real server by
the conformance tests.
"""
