"""How one difference is brought to its declaration, and what blocks that."""
