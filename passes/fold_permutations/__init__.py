"""The pass `fold-permutations`."""
