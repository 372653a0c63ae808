"""The format in which each weight stands in arrays."""
