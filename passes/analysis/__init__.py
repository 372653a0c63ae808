"""Analyses that several passes and the reports use: numpy and integers, no IR."""
