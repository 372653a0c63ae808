"""Recurrent operators as products outside and inside of a `Scan`."""
