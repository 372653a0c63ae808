"""The fast engine: compiled loops over cells that are packed in the order of the records."""
