"""What operations carry: types and attributes of the languages."""
