"""What a run will do, statement by statement, and why; the history of the runs before."""
