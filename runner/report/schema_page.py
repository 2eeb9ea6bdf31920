"""The declared catalog as a page for people: `docs/schema.md`, with a diagram that GitHub draws."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from runner.catalog.column_definitions import column_definition
from runner.catalog.constraint_definitions import foreign_key_definition, key_definition
from runner.catalog.definitions import unquoted
from runner.catalog.table_definitions import table_options
from runner.project.manifest import ProjectSection
from runner.report.access_page import Access, access_lines, access_of, access_table, publication_lines
from runner.report.markdown import code, plain, text
from runner.sql.objects import DEFINED, DETACHED, PRESENT, Facts, Object
from runner.sql.statements import Script, first_makers
from runner.wording import plural

_KINDS = {
    "extension": "Extensions",
    "type": "Types",
    "domain": "Domains",
    "sequence": "Sequences",
    "view": "Views",
    "materialized view": "Materialized views",
    "function": "Functions and procedures",
    **{kind: plural(kind).capitalize() for kind in (*DEFINED, "event trigger")},
}
"""Kinds of objects beside tables, and their headings."""
_IN_LINES = ("trigger", "rule", "statistics")
"""Kinds of objects of a table that have a line each."""


def schema_page(project: ProjectSection, facts: Facts, scripts: Sequence[Script]) -> str:
    """Return the page in Markdown; the same facts and scripts always give the same text."""
    places = _places(scripts)
    tables = [item for item in facts if item.kind == "table"]
    access = access_of(facts)
    lines = [
        f"# The schema of {text(project.name)}",
        "",
        "Written by `python -m runner docs` from what the scripts declare; do not edit it.",
        "",
        *_contents(tables, facts),
        *_diagram(tables, facts),
    ]
    for table in tables:
        lines += _table(table, facts, access, places)
    for kind, heading in _KINDS.items():
        lines += _others(heading, [item for item in facts if item.kind == kind], facts, places)
    lines += publication_lines(facts, places)
    lines += access_table(access, project.schema, {table: _anchor(table) for table in tables})
    return "\n".join(lines).rstrip() + "\n"


def _places(scripts: Sequence[Script]) -> Mapping[Object, str]:
    """Return the script of the statement that makes each object first; a line would change with each comment."""
    return {item: maker.script for item, maker in first_makers(scripts).items()}


def _name(item: Object) -> str:
    return f"{item.schema}.{item.name}" if item.schema else item.name


def _anchor(item: Object) -> str:
    """Return the anchor that GitHub gives the heading of a table."""
    return re.sub(r"[^\w\- ]", "", _name(item).lower()).replace(" ", "-")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _comment(item: Object, facts: Facts) -> str:
    return text(facts.get(item.comment, ""))


def _parts(kind: str, table: Object, facts: Facts) -> Iterator[tuple[Object, str]]:
    for item, definition in facts.items():
        if (item.kind, item.table, item.schema) == (kind, table.name, table.schema) and item.name != DETACHED:
            yield item, definition


def _contents(tables: Sequence[Object], facts: Facts) -> Iterator[str]:
    if not tables:
        return
    yield from ("| table | columns | holds |", "|---|---|---|")
    for table in tables:
        columns = sum(1 for _ in _parts("column", table, facts))
        yield _row(f"[{text(_name(table))}](#{_anchor(table)})", str(columns), _comment(table, facts))
    yield ""


def _diagram(tables: Sequence[Object], facts: Facts) -> Iterator[str]:
    """Return an entity-relationship diagram: the keys of each table, and what refers to what."""
    if not tables:
        return
    yield from ("## Diagram", "", "Of each table its keys; the lines are foreign keys.", "", "```mermaid", "erDiagram")
    for table in tables:
        marks = _marks(table, facts)
        yield f'    "{plain(_name(table))}" {{'
        for item, definition in _parts("column", table, facts):
            if item.name in marks:
                type_ = re.sub(r"[^A-Za-z0-9_()]+", "_", column_definition(definition).type)
                yield f"        {type_} {re.sub(r'[^A-Za-z0-9_]', '_', item.name)} {','.join(marks[item.name])}"
        yield "    }"
    for table in tables:
        for _, definition in _parts("constraint", table, facts):
            if key := foreign_key_definition(definition):
                columns = ", ".join(plain(unquoted(column)) for column in key.columns)
                yield f'    "{plain(_name(key.relation))}" ||--o{{ "{plain(_name(table))}" : "{columns}"'
    yield from ("```", "")


def _marks(table: Object, facts: Facts) -> Mapping[str, list[str]]:
    """Return which columns are part of a primary, foreign or unique key, as Mermaid calls them."""
    marks: dict[str, list[str]] = {}
    for _, definition in _parts("constraint", table, facts):
        if key := key_definition(definition):
            names, mark = key.names, "PK" if key.primary else "UK"
        elif foreign := foreign_key_definition(definition):
            names, mark = foreign.columns, "FK"
        else:
            continue
        for name in map(unquoted, names):
            marks.setdefault(name, [])
            marks[name] += [mark] if mark not in marks[name] else []
    return marks


def _table(table: Object, facts: Facts, access: Access, places: Mapping[Object, str]) -> Iterator[str]:
    yield from (f"## {text(_name(table))}", "")
    if comment := _comment(table, facts):
        yield from (comment, "")
    if options := table_options(facts[table]):
        yield from (f"Options: {code(options)}", "")
    yield from _declared_by([table], places)
    yield from ("| column | type | null | default | meaning | declared by |", "|---|---|---|---|---|---|")
    for item, definition in _parts("column", table, facts):
        yield _column(item, definition, facts, places)
    yield ""
    constraints = [(item.name, definition) for item, definition in _parts("constraint", table, facts)]
    if constraints:
        yield from ("| constraint | definition |", "|---|---|")
        yield from (_row(text(name), code(definition)) for name, definition in constraints)
        yield ""
    indexes = list(_parts("index", table, facts))
    if indexes:
        yield from ("| index | definition | purpose | declared by |", "|---|---|---|---|")
        for item, definition in indexes:
            yield _row(text(item.name), code(definition), _comment(item, facts), code(places.get(item, "")))
        yield ""
    for kind in _IN_LINES:
        for item, definition in _parts(kind, table, facts):
            yield from (f"{kind.capitalize()} {code(item.name)}: {code(definition)}", "")
    yield from access_lines(table, facts, access, places)


def _column(item: Object, definition: str, facts: Facts, places: Mapping[Object, str]) -> str:
    shape = column_definition(definition)
    null = "" if shape.not_null or shape.fills == "serial" else "yes"
    value = shape.fills or (f"generated: {shape.generated}" if shape.generated else shape.default)
    type_ = shape.type + (f" collate {shape.collation}" if shape.collation else "")
    return _row(text(item.name), text(type_), null, code(value), _comment(item, facts), code(places.get(item, "")))


def _declared_by(items: Iterable[Object], places: Mapping[Object, str]) -> Iterator[str]:
    found = [places[item] for item in items if item in places]
    if found:
        yield from (f"Declared by {code(found[0])}.", "")


def _others(heading: str, items: Sequence[Object], facts: Facts, places: Mapping[Object, str]) -> Iterator[str]:
    if not items:
        return
    yield from (f"## {heading}", "", "| name | definition | meaning | declared by |", "|---|---|---|---|")
    for item in items:
        definition = "" if facts[item] == PRESENT else facts[item].strip().partition("\n")[0]
        yield _row(text(_name(item)), code(definition), _comment(item, facts), code(places.get(item, "")))
    yield ""
