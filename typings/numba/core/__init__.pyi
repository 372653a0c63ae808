"""The part of numba.core that cimc uses."""
