"""What can go wrong: the proxied links, and one file for each failure scenario."""
