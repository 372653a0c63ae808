"""Mappings, that is strategies that give every tile its place: numpy and integers, no IR."""
