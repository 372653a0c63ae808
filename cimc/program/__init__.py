"""Programs: what the compiler emits and the machine runs, and the file that holds it."""
