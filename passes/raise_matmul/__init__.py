"""The pass `raise-matmul`."""
