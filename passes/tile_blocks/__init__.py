"""The pass `tile-blocks`."""
