"""The rows of a database: made up from its catalog, read, and compared with what they were."""
