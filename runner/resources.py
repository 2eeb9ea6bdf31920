"""The SQL of the runner itself, which is in files beside the modules that read it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def read_sql(name: str) -> str:
    """Return the text of a file, named from the package on: `catalog/facts.sql`."""
    return files("runner").joinpath(name).read_text(encoding="utf-8").strip()
