"""The write path: an order, then its payment."""
