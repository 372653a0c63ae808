"""Stages by themselves: what they are made of, which row groups run together, and how long all of it takes."""
