"""Language models at run time: what their inputs and outputs are, their tokens, their cache, words and quality."""
