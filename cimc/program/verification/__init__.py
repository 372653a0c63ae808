"""Checks of a program's numbers: after them, every number that is used as an index is a valid one.

What cannot be known before a run (the shapes of values that kernels compute) is checked by the machine.
"""
