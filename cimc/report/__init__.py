"""Reports: what a program needs of the chip, as numbers and as text."""
