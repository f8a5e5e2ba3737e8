"""What every service shares: its process, capacity, deadline, admin port."""
