"""The part of mutmut 3.8 that `make mutants` uses."""
