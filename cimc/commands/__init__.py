"""The five commands. Each parses its arguments before it imports anything slow."""
