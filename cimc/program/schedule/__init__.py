"""The checker of schedules: it shares no code with what makes them."""
