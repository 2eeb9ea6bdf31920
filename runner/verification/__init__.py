"""Differences and failed checks as findings, with the remedy of each."""
