"""Which blocks a matrix has, and whether it is a product of two such matrices: numpy, no IR."""
