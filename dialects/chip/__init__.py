"""What may be said about a chip: keys, what its parts cost, models of its ADCs."""
