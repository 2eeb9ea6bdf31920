"""What a database has, what the scripts declare, and the difference of the two."""
