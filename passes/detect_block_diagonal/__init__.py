"""The pass `detect-block-diagonal`: products of blocks, structure of dense weights, the way between them."""
