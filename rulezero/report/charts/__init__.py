"""Vega-Lite charts of a record, built with Altair: pure functions from frames to figures."""
