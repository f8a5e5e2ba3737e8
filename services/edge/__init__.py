"""The front door: browse, search and check out."""
