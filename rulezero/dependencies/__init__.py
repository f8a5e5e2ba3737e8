"""What a service calls: HTTP services, the cache, the database. Driver errors become ours here and nowhere else."""
