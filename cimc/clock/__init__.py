"""What of a program takes time, and when it can happen: steps, what each needs, and when they run."""
