"""Pure functions from a record to figures, validity, predictions and a verdict."""
