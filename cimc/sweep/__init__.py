"""Sweeps: one network compiled for many chips, mappings and block counts, and what is best among them."""
