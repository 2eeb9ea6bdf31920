"""Plain SQL files, listed in a manifest, applied in order and proven against the database."""

__version__ = "0.1.0"
