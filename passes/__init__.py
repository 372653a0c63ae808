"""The way down from a network to array multiplications: one room per pass, what passes share, and their rules."""
