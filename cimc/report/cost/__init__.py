"""What a program costs on its chip: time, energy and area, from its records and from running its kernels."""
