"""Weights of a stack that an index chooses from."""
