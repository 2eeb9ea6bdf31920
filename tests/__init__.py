"""The tests; those that need a database use a real PostgreSQL."""
