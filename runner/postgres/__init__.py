"""A server: where it is, a session on it, its locks, its replies and its errors."""
