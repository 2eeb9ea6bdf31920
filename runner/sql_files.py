"""The SQL of the runner itself, which stands in files beside the modules."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def read_sql(name: str) -> str:
    """Return the text of one of the files."""
    return files("runner").joinpath(name).read_text(encoding="utf-8").strip()
