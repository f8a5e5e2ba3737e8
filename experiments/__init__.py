"""One file for each experiment: question, load, faults, arms, checks, prediction."""
