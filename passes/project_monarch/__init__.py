"""The pass `project-monarch`."""
