"""Charges: slots x service time, and a row for each."""
