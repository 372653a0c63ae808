"""The pass `quantize`."""
