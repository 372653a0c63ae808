"""The part of lit 23 that `make mutants` uses."""
