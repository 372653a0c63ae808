"""Files are read and written alike on every floor: what that takes, and nothing of a compiler."""
