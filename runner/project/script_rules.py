"""What a script may hold, known without a server: each rule says what to do instead."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from runner.errors import Hint, InputError, Place
from runner.project.manifest import ScriptEntry
from runner.sql.inventory import Inventory
from runner.sql.objects import WITH_PARTS, Effect, Object
from runner.sql.privileges import may_be_no_fact
from runner.sql.simulation import of_each, resolved
from runner.sql.statement_words import clause_of, command_of
from runner.sql.statements import UNREAD, Script, Statement

_QUIET = frozenset(
    {"variable_set_stmt", "variable_show_stmt", "transaction_stmt", "lock_stmt", "explain_stmt", "constraints_set_stmt"}
)
"""Statements that change nothing in the database, and may be sent with each run."""


def refusals(script: ScriptEntry, parsed: Script) -> Iterator[InputError]:
    """Return an error for each statement that its script may not hold."""
    added: set[str] = set()
    for statement in parsed.statements:
        for message, hint in _problems(script, statement, added):
            yield InputError(message, place=Place(script.path, statement.line), notes=(Hint(hint),))
        added |= {statement.traits.new_value} - {""}


def refused_together(pairs: Sequence[tuple[ScriptEntry, Script]]) -> Iterator[InputError]:
    """Return an error for each statement that does not fit those before it."""
    made, sequences = Inventory(), set[tuple[str, str]]()
    for script, parsed in pairs:
        for statement in parsed.statements:
            problems: dict[str, str] = {}
            for written in (each for effect in statement.declaration.effects for each in of_each(effect, made)):
                effect = resolved(written, made) or written
                problems |= _renames_what_is_made(effect, made)
                if script.run == "always" and effect.object.is_access:
                    problems |= _is_about_a_stranger(effect.object.subject, made, sequences)
                made.apply(effect)
                if effect.object.kind == "column":
                    sequences |= {(effect.object.schema, name) for name in effect.columns}
            for problem, hint in problems.items():
                yield InputError(problem, place=Place(script.path, statement.line), notes=(Hint(hint),))


def _renames_what_is_made(effect: Effect, made: Inventory) -> dict[str, str]:
    """Return what is wrong with renaming what no statement makes to a name that one makes, and what to do.

    With the body of a table in its end state there is nothing to rename in a new database.
    """
    if effect.action not in ("rename", "move") or effect.object in made or effect.becomes not in made:
        return {}
    problem = f"{effect.object} is renamed to {effect.value}, which an earlier statement makes already"
    return {problem: 'make it an upgrade for older databases: run = "upgrade" in the manifest'}


def _is_about_a_stranger(item: Object, made: Inventory, sequences: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return what is wrong with privileges on what no statement makes, or an owner of it, and what to do."""
    owners = (Object(kind, item.table, "", item.schema) for kind in WITH_PARTS) if item.table else ()
    is_part = item.kind == "sequence" and (item.schema, item.name) in sequences
    is_made = item in made or is_part or any(owner in made for owner in owners)
    if is_made or (may_be_no_fact(item) and item.kind != "sequence"):
        return {}
    problem = f"no script makes {item} before it, so that its privileges are not compared, and would be sent each time"
    return {problem: 'move it to a script that has run = "on_change" or run = "once" in the manifest'}


def refusals_of_check(parsed: Script) -> Iterator[InputError]:
    """Return an error for a check that does more than read, or nothing."""
    path = parsed.rendered.path
    if not parsed.statements:
        yield InputError("empty; a check is a SELECT that returns the rows that are wrong", place=path)
    line = next((statement.line for statement in parsed.statements if statement.node != "select_stmt"), None)
    if line is not None:
        yield InputError("a check only reads: SELECT the rows that are wrong", place=Place(path, line))


def _problems(script: ScriptEntry, statement: Statement, added: set[str]) -> Iterator[tuple[str, str]]:
    """Return what is wrong and what to do; `added` are the values that enum types got before in the same script."""
    traits = statement.traits
    if script.transaction and traits.outside:
        yield (
            f"{traits.outside} cannot run in a transaction, and a script is one",
            "move it to a script of its own that has transaction = false in the manifest",
        )
    if script.transaction and (used := sorted(added & statement.strings)):
        yield (
            f"{used[0]!r} is added to an enum type by the same transaction, which therefore cannot use it",
            "move the statement to a later script",
        )
    if script.run == "always":
        yield from _problems_each_time(script, statement)


def _problems_each_time(script: ScriptEntry, statement: Statement) -> Iterator[tuple[str, str]]:
    """Return what may not be sent with each run, and what to do."""
    traits, declaration = statement.traits, statement.declaration
    is_compared = all(part.effects for part in declaration.clauses or (declaration,))
    if traits.destroys and not script.allow_destructive:
        yield (
            f"{traits.destroys} in a script that is run always",
            'move it to a script that has run = "once" in the manifest, or set allow_destructive = true for each run',
        )
    if declaration.restarts:
        yield (
            "RESTART in a script that is run always sets the counter back with each run",
            'move it to a script that has run = "once" in the manifest',
        )
    if declaration.nameless:
        yield (
            "each run would make one more of an object without a name",
            'name it, or set run = "once" for this script in the manifest',
        )
    if statement.node == UNREAD:
        yield (
            "nested too deeply to be compared with the database, about 45 levels, and would be sent with each run",
            'split the expression, or move it to a script that has run = "on_change" or run = "once" in the manifest',
        )
    elif declaration.unmanaged:
        yield (
            f"what it says of role {declaration.unmanaged[0]} is not compared, and would be sent with each run",
            'name it in managed, [roles] in the manifest, or move it to a script that has run = "on_change" or "once"',
        )
    elif not is_compared and not statement.is_data and statement.node not in _QUIET and not traits.destroys:
        yield (
            f"{_words(statement)} cannot be compared with the database, and would be sent with each run",
            'move it to a script that has run = "on_change" or run = "once" in the manifest',
        )


def _words(statement: Statement) -> str:
    """Return what a statement is called, or the first clause of it that cannot be compared."""
    if statement.node == "select_into_stmt":
        return "SELECT INTO"
    command = command_of(statement.sql)
    if statement.node != "alter_table_stmt":
        return command
    bare = (part.number for part in statement.declaration.clauses if not part.effects)
    return f"the clause {clause_of(statement.sql, next(bare, 0))!r} of {command}"
