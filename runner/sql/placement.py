"""What a template puts out, and what it leaves out, is between tokens of SQL; else a value or a line could be lost."""

from __future__ import annotations

from runner.errors import Hint, InputError, Place
from runner.sql.source_map import COMMENT, RAW, TAG, Edge, Rendered

JINJA_HINT = Hint("{{, {% and {# are Jinja's; for SQL that needs them write {% raw %} … {% endraw %}")
_OUTPUT_HINT = Hint("join text in the template, as in {{ 'prefix ' ~ name }}; the quotes come by themselves")
_OUTPUT = "an output {}; a value must be whole SQL tokens of its own"
_TAGS = {
    TAG: "a tag of Jinja {}; it must be between SQL tokens",
    RAW: "a tag of Jinja {}; it must be between SQL tokens",
    COMMENT: "a comment of Jinja {}; it must be between SQL tokens",
}


def misplaced(edge: Edge, where: str | None, path: str) -> InputError:
    """Return the error for an edge inside a token: in a string or its like, or where two pieces of text meet."""
    problem = f"stands inside {where}" if where else "is glued to the text beside it"
    hint = JINJA_HINT if edge.kind in _TAGS else _OUTPUT_HINT
    message = _TAGS.get(edge.kind, _OUTPUT).format(problem)
    return InputError(message, place=Place(path, edge.line), notes=(hint,))


def acts_in_comment(edge: Edge, rendered: Rendered) -> bool:
    """Return whether an edge at the end of a comment of SQL is that of a tag within the comment's line.

    It acts though it looks as if it was commented out. A comment of Jinja is harmless there if it ends in its line.
    """
    is_in_line = rendered.line_at(edge.offset - 1) == edge.line
    return is_in_line and (edge.kind == TAG or (edge.kind == COMMENT and rendered.line_at(edge.offset) != edge.line))
