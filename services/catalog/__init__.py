"""The read path: cache, then replica, then primary."""
