"""The way down from a network to array multiplications: one file per pass, and the analyses they use."""
