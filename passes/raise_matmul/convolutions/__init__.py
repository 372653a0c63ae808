"""Convolutions as products of patches of their input."""
