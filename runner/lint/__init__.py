"""What `check` reports beyond errors. Knows the project and its SQL, and no server."""
