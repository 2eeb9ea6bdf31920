"""The lines that pg_dump writes for psql alone, which make a dump a script all the same."""

from __future__ import annotations

import re

QUOTED = r"""
    --[^\n]* | /\*.*?\*/
    | \be'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
"""
"""A comment, string, quoted name or body, as a part of a verbose pattern that knows lines and ignores case."""
FLAGS = re.VERBOSE | re.DOTALL | re.MULTILINE | re.IGNORECASE
_RESTRICT = rf"(?P<line> ^\\(?:un)?restrict[ \t]+[a-z0-9]+[ \t]*$ ) | {QUOTED}"


def without_restrict(text: str) -> str:
    r"""Return a script in which the lines `\restrict KEY` and `\unrestrict KEY` are comments."""
    if "restrict" not in text or "\\" not in text:
        return text
    return re.sub(_RESTRICT, lambda found: f"-- {found[0]}" if found["line"] else found[0], text, flags=FLAGS)
