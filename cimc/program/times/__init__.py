"""How long records take, and the starts of tokens that follow each other."""
