"""Emission: a scheduled module becomes a program, that is records, array contents and kernels."""
