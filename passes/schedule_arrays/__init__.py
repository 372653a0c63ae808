"""The pass `schedule-arrays`."""
