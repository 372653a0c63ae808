"""A compiler for analog compute-in-memory chips."""
