"""What passes decide with: pure functions on numpy arrays and integers, without IR."""
