"""Scales and zero points: numpy, no IR."""
