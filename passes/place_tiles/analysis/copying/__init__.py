"""Copies of the busiest weights, where a chip has arrays to spare."""
