"""Which format suits numbers: numpy and integers, no IR."""
