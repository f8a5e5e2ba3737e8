"""rulezero: what each defence buys under partial failure, measured."""
