"""The stock: a piece is reserved before an order is placed."""
