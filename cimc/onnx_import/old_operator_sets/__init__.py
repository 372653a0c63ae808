"""Operator sets 7 to 10, lifted to 11."""
