"""All that a database ends with: its catalog, its schema as pg_dump writes it, its rows; and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.diff import compare
from runner.catalog.said_only import unsaid
from runner.catalog.snapshot import Scope, Snapshot, read_snapshot
from runner.pipeline.declare import declare_on, scope_of
from runner.pipeline.upgraded import Deviation, Proof
from runner.postgres.schema_dump import Dump, dump_schema, renamed
from runner.resources import read_sql
from runner.rows.tables import Contents, read_contents
from runner.sql.quoting import identifier

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.postgres.opener import Opener
    from runner.project.loading import Project
    from runner.rows.tables import Table
    from runner.sql.objects import Facts, Object

_SCHEMAS = "select nspname from pg_catalog.pg_namespace where nspname !~ '^pg_|^information_schema$'"
_COUNTERS = "select schemaname, sequencename, last_value::text from pg_catalog.pg_sequences order by 1, 2"


class EndState(Struct, frozen=True):
    """What a database has; `sequences` are the names of those that belong to columns, by schema, table and column."""

    actual: Snapshot
    contents: Contents
    sequences: Mapping[tuple[str, str, str], str]
    counters: tuple[tuple[str, str, str | None], ...]


class NewDatabase(Struct, frozen=True):
    """What a new database has, and what the scripts declare."""

    state: EndState
    declared: Facts
    dump: Dump


def read_state(connection: Connection[Any], loaded: Project) -> EndState:
    """Return all that is in a database, whatever the scripts name of it."""
    scope = scope_of(loaded, loaded.names)
    schemas = {name: name for (name,) in connection.execute(_SCHEMAS)} | dict(scope.schemas)
    found = connection.execute(read_sql("pipeline/owned_sequences.sql")).fetchall()
    return EndState(
        read_snapshot(connection, Scope(schemas, scope.path, scope.extensions)),
        read_contents(connection),
        {tuple(row[:3]): row[3] for row in found},
        tuple(connection.execute(_COUNTERS)),
    )


def read_new(opener: Opener, loaded: Project) -> NewDatabase:
    """Return what a database has that the scripts were just applied to."""
    with opener.connect() as connection:
        declared = declare_on(connection, loaded, lambda _: None)
        return NewDatabase(read_state(connection, loaded), declared.facts, read_dump(opener, loaded))


def read_dump(opener: Opener, loaded: Project) -> Dump:
    """Return the schema as pg_dump writes it, without the history."""
    manifest = loaded.project.manifest
    own = (manifest.run.history_table, manifest.run.release_table)
    return dump_schema(opener.target, [(manifest.project.schema, name) for name in own])


def unlike_new(new: NewDatabase, state: EndState) -> Iterator[Deviation]:
    """Return how a catalog differs from that of a new database; names that PostgreSQL has chosen do not count."""
    known_by = {item: signature for signature, items in new.state.actual.unnamed.items() for item in items}
    expected: dict[Object, str] = {}
    for item, definition in new.state.actual.facts.items():
        signature = known_by.get(item, item)
        is_nameless = item not in new.declared and signature in new.declared and signature not in expected
        expected[signature if is_nameless else item] = definition
    there = replace(state.actual, facts={**state.actual.facts, **dict(unsaid(state.actual.facts, expected))})
    for found in compare(expected, there):
        yield Deviation("new", found.kind, str(found.object), found.declared, found.actual)


def unlike_dump(new: NewDatabase, state: EndState, dump: Dump) -> Iterator[Deviation]:
    """Return how a schema differs from that of a new database as pg_dump writes it."""
    if new.dump.reason or dump.reason:
        return
    there = renamed(dump, dict(_chosen_names(new, state))).entries
    for head in dict.fromkeys((*new.dump.entries, *there)):
        expected, actual = new.dump.entries.get(head), there.get(head)
        if expected != actual:
            only = [line for line in expected or () if line not in (actual or ())]
            other = [line for line in actual or () if line not in (expected or ())]
            yield Deviation("new", "dump", head, _lines(only, expected), _lines(other, actual))


def _lines(lines: list[str], all_of_it: object) -> str | None:
    return None if all_of_it is None else " ".join(line.strip() for line in lines)


def _chosen_names(new: NewDatabase, state: EndState) -> Iterator[tuple[str, str]]:
    """Return the names that PostgreSQL has chosen, with those that it would choose in a new database."""
    pairs = [
        (item.name, other.name)
        for signature, items in state.actual.unnamed.items()
        if signature in new.declared
        for item, other in zip(items, new.state.actual.unnamed.get(signature, ()), strict=False)
    ]
    pairs += [(name, new.state.sequences.get(column, name)) for column, name in state.sequences.items()]
    for name, other in pairs:
        if name != other:
            yield from {identifier(name): identifier(other), name: other}.items()


def changed_state(proof: Proof, before: EndState, after: EndState, name_of: dict[int, str]) -> Iterator[Deviation]:
    """Return what is not as it was: definitions, rows, the numbers of sequences."""
    old, new = before.actual.facts, after.actual.facts
    for item in dict.fromkeys((*old, *new)):
        if old.get(item) != new.get(item):
            yield Deviation(proof, "definition", str(item), old.get(item), new.get(item))
    rows, others = before.contents.rows, after.contents.rows
    for oid in dict.fromkeys((*rows, *others)):
        then, now = list(rows.get(oid, ())), list(others.get(oid, ()))
        if then != now:
            count = sum(row not in now for row in then) or sum(row not in then for row in now)
            yield Deviation(proof, "data", name_of.get(oid, str(oid)), rows=max(count, 1))
    for schema, name, value in set(after.counters) - set(before.counters):
        yield Deviation(proof, "counter", f"sequence {schema}.{name}", actual=value)


def table_name(table: Table, loaded: Project) -> str:
    """Return a table as people write it; one of the target schema needs no schema."""
    return table.name if table.schema == loaded.project.manifest.project.schema else f"{table.schema}.{table.name}"
