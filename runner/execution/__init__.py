"""A plan carried out: sent, retried and recorded, or written as a psql script."""
