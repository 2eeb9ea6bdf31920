"""Measurements, run by scripts/bench."""
