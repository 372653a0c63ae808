"""The spread mapping: stages dealt over arrays, and arrays packed."""
