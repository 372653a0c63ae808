"""What runs when inside of stages and kernels: numpy and integers, no IR."""
