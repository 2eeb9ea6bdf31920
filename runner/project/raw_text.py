"""SQL as a template in which nothing is an expression."""

from __future__ import annotations

from runner.errors import InputError
from runner.project.templates import TEMPLATE_SYNTAX


def as_template(sql: str, place: str) -> str:
    """Return SQL as a template that renders to it. Raise InputError where that cannot be written."""
    if not any(mark in sql for mark in TEMPLATE_SYNTAX):
        return sql
    if "endraw" in sql:
        message = "its text has the word 'endraw' beside a tag, which no template can hold"
        raise InputError(message, place=place)
    return f"{{% raw %}}{sql}{{% endraw %}}"
