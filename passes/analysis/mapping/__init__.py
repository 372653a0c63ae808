"""Mappings: where tiles lie in the arrays."""
