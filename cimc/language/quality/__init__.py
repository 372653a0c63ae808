"""How well a network writes: a text that it predicts, questions that it answers."""
