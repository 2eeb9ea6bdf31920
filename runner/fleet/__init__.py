"""Many databases and schemas at once."""
