"""What can be asked for: each option stands here once, and command lines, the Python interface and passes take it."""
