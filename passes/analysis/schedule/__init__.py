"""When tiles run: row groups, what an array converts at one time, additions of partial sums."""
