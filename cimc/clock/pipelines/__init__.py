"""Modulo schedules: many tokens in flight, each the same as the one before, an interval later."""
