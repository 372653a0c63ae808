"""Copies of weights, where a chip has arrays to spare and many vectors follow each other."""
