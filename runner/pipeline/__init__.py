"""Load, plan, apply, verify and lock for one database; the functions that `import runner` offers."""
