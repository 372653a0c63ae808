"""The pass `place-tiles`."""
