"""Migrations of other tools as scripts of a project, and what their ledgers say of them."""
