"""The lines that pg_dump writes for psql alone become comments, and nothing else does."""

from __future__ import annotations

import pytest

from runner.sql.restrict_lines import without_restrict

KEPT = {
    "in a string": "select '\n\\restrict abc\n';",
    "in a body": "do $a$\n\\restrict abc\n$a$;",
    "in a quoted name": 'select 1 as "\n\\restrict abc\n";',
    "in a string with escapes": "select e'it\\'s\n\\restrict abc\n';",
    "in a comment": "/*\n\\restrict abc\n*/",
    "without a key": "\\restrict\n",
    "with more than a key": "\\restrict abc; drop table item\n",
    "not at the start of a line": "select 1; \\restrict abc\n",
    "another command": "\\restricted abc\n",
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_stays(text: str) -> None:
    assert without_restrict(text) == text


def test_what_becomes_a_comment() -> None:
    """Both lines, wherever a statement may begin; the number of lines is the same."""
    text = "--\n\\restrict 1Ab\n\nselect 'a';\n\n\\unrestrict 1Ab\n"
    assert without_restrict(text) == "--\n-- \\restrict 1Ab\n\nselect 'a';\n\n-- \\unrestrict 1Ab\n"
