"""Loops and branches of a program: their records and metadata."""
