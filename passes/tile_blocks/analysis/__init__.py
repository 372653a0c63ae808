"""Cutting matrices into tiles: numpy, no IR."""
