"""Find in the scripts what an error of the server names: lines of PL/pgSQL, and relations that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from runner.errors import Hint
from runner.sql.statements import Script, Statement

# Patterns as text: they are compiled when something has failed, and not at each start.
_STACK = r"PL/pgSQL function (?:(?P<block>inline_code_block)|(?P<name>[^(]+)\(.*?\)) line (?P<line>[0-9]+)"
_BODY = r"\$(?:[A-Za-z_]\w*)?\$|(?<=[\s(])[Ee]?'"
_MISSING = r'relation "(?P<name>[^"]+)" does not exist'


def traced(context: str, statement: Statement | None, scripts: Sequence[Script]) -> Iterator[str]:
    """Return the place of each line of PL/pgSQL in the context of an error, innermost first.

    `statement` is what was sent; functions are looked for in the scripts.
    """
    for found in re.finditer(_STACK, context):
        source = statement if found["block"] else _function(found["name"], scripts)
        place = _line_of_body(source, int(found["line"]), scripts) if source else None
        if place:
            yield f"at {place}: {found[0]}"


def made_by(message: str, scripts: Sequence[Script]) -> Iterator[str]:
    """Return which script makes a relation that was not there."""
    found = re.match(_MISSING, message)
    if not found:
        return
    name = found["name"].rpartition(".")[2]
    for statement in (statement for script in scripts for statement in script.statements):
        made = [effect.object for effect in statement.declaration.effects if effect.action == "create"]
        if any(item.name == name and not item.table for item in made):
            yield Hint(f"{statement.script}:{statement.line} makes it: a script sees what was made before it")
            return


def _function(name: str, scripts: Sequence[Script]) -> Statement | None:
    plain = name.rpartition(".")[2].strip('"')
    for statement in (statement for script in scripts for statement in script.statements):
        made = [effect.object for effect in statement.declaration.declares if effect.object.kind == "function"]
        if any(item.name.partition("(")[0] == plain for item in made):
            return statement
    return None


def _line_of_body(statement: Statement, number: int, scripts: Sequence[Script]) -> str | None:
    """Return the place of a line of a statement's body, which is its first string; line 1 begins at its quote."""
    body = re.search(_BODY, statement.sql)
    parsed = next((script for script in scripts if script.rendered.path == statement.script), None)
    if body is None or parsed is None:
        return None
    offset = body.end()
    for _ in range(number - 1):
        offset = statement.sql.find("\n", offset) + 1
        if not offset:
            return None
    return f"{statement.script}:{parsed.rendered.line_at(statement.offset + offset)}"
