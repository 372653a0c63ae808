"""Maps of the arrays of a chip."""
