"""Projection of matrices onto Monarch factors: numpy, no IR."""
