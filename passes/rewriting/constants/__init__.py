"""What is constant in a network, and in which forms it reaches a multiplication."""
