"""Everything known without a server: manifest, templates, field mappings, scripts, lock file."""
