"""The conditions of members of publications in PostgreSQL's own words: each is built as a CHECK of its table.

All else of publications is read off the statements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from runner.catalog.constraint_definitions import check_expression
from runner.catalog.scratch_build import Built, build
from runner.catalog.table_definitions import table_definition
from runner.project.manifest import Manifest
from runner.sql.lists import list_in
from runner.sql.objects import PRESENT, Declaration, Effect, Facts, Object, qualified_name
from runner.sql.publications import TABLE, WHERE, filter_name, filtered_by
from runner.sql.quoting import identifier
from runner.sql.statements import Script, Statement

if TYPE_CHECKING:
    from psycopg import Connection


def build_with_filters(
    connection: Connection[Any], manifest: Manifest, scripts: Sequence[Script], names: Mapping[Object, str]
) -> tuple[Built, Facts]:
    """Return what is built of scripts, and the tables with conditions; `names` is all that the scripts declare."""
    built = build(connection, manifest, [*_to_build(scripts)])
    filtered = {
        item: _with_built_filter(item, definition, built.facts)
        for item, definition in names.items()
        if item.kind == TABLE and WHERE in definition
    }
    filters = {item for item in built.facts if item.kind == "constraint" and item.name.startswith(filter_name())}
    return replace(built, facts={item: text for item, text in built.facts.items() if item not in filters}), filtered


def _to_build(scripts: Sequence[Script]) -> Iterator[Statement]:
    for statement in (statement for script in scripts for statement in script.statements):
        if statement.is_built:
            yield statement
        else:
            yield from _filters(statement)


def _filters(statement: Statement) -> Iterator[Statement]:
    """Yield what makes a CHECK of each condition."""
    for effect in statement.declaration.effects:
        item, check = effect.object, filtered_by(effect.object, effect.value)
        if effect.action != "create" or item.kind != TABLE or not check:
            continue
        table = Object("table", item.table, "", item.schema)
        condition = effect.value.partition(WHERE)[2]
        sql = f"alter table {qualified_name(table)} add constraint {identifier(check.name)} check ({condition}"
        made = Effect("create", check)
        yield Statement(
            statement.script, statement.line, statement.offset, sql, "alter_table_stmt", Declaration((made,))
        )


def _with_built_filter(item: Object, definition: str, built: Facts) -> str:
    """Return the definition of a member with its condition in PostgreSQL's words."""
    head = definition.partition(WHERE)[0]
    made = filtered_by(item, definition)
    check = _check(made, built) if made else None
    condition = check_expression(check) if check else None
    return PRESENT if condition is None else f"{head}{WHERE}{condition[1:-1]})"


def _check(made: Object, built: Facts) -> str | None:
    """Return a CHECK, which a table may have of one that it inherits from."""
    if made in built:
        return built[made]
    parents = list_in(table_definition(built.get(Object("table", made.table, "", made.schema), "")).parents + ")")[0]
    tables = (item for item in built if item.kind == "table" and qualified_name(item) in parents)
    checks = (_check(made._replace(table=table.name, schema=table.schema), built) for table in tables)
    return next((check for check in checks if check), None)
