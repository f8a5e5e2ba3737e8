"""Every experiment over several seeds: what its closed form says, beside what was measured."""
