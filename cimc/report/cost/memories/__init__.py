"""What buffers hold between steps, and what the memory of keys and values gives and takes."""
