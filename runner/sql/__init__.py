"""SQL as text and as values: names, literals, objects, statements with their effects and the names that they use."""
