"""The six commands. Each parses its arguments before it imports anything slow."""
