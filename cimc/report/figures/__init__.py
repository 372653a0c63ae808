"""The figures of a report, each family in a file of its own, drawn with Altair."""
