"""The rules of `check`: what scripts that are accepted had better not hold. docs/check.md tells why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from runner.lint.column_references import Mentions, mentions_in
from runner.lint.diagnostics import Diagnostic, Severity
from runner.lint.identifiers import long_names, place_of, truncated
from runner.lint.known_names import known_names
from runner.lint.privileges import NODES, cured_functions, privileges_in
from runner.lint.quietness import loudness
from runner.lint.scope import NamesInScope
from runner.lint.suppressions import Suppressions
from runner.project.manifest import ManifestFile
from runner.sql.excerpts import position
from runner.sql.name_spaces import RELATIONS, TYPES, is_namesake
from runner.sql.names import relation_name
from runner.sql.objects import Object
from runner.sql.quoting import NAME_BYTES
from runner.sql.simulation import State
from runner.sql.statements import Script, Statement, first_makers
from runner.sql.trees import strings_in, tree_of

SEVERITIES: Mapping[str, Severity] = {
    "long-name": "warning",
    "defined-twice": "error",
    "unknown-column": "error",
    "unknown-table": "warning",
    "unknown-function": "warning",
    "unknown-type": "warning",
    "not-quiet": "warning",
    "no-comment": "warning",
    "hidden-character": "error",
    "security-definer": "warning",
    "public-create": "warning",
}
_NEEDS_TABLE = ("index_stmt", "comment_stmt", "create_trig_stmt")

RuleHit = tuple[str, int, str, str]
"""A rule, where it is broken, in characters of the statement, the message, and what to do."""


def long_names_in(parsed: Script) -> Iterator[Diagnostic]:
    """Return the names that PostgreSQL would cut."""
    allowed = Suppressions(parsed)
    for statement in parsed.statements:
        for name, offset in () if allowed("long-name", statement) else long_names(statement.sql):
            message = (
                f"the name {name!r} has {len(name.encode())} bytes; PostgreSQL truncates it to {truncated(name)!r}"
            )
            told = ("long-name", offset, message, f"shorten it to {NAME_BYTES} bytes")
            yield _flaw(parsed, statement, told)


def privileges_of(scripts: Sequence[Script]) -> Iterator[Diagnostic]:
    """Return what statements give to others without need."""
    cured = cured_functions(scripts)
    for parsed in scripts:
        allowed = Suppressions(parsed)
        for statement in (each for each in parsed.statements if each.node in NODES):
            for rule, place, message, hint in privileges_in(tree_of(statement.sql), cured):
                if not allowed(rule, statement):
                    offset = len(statement.sql.encode()[:place].decode())
                    yield _flaw(parsed, statement, (rule, offset, message, hint))


def check_rules(project: ManifestFile, scripts: Sequence[Script], names: State) -> Iterator[Diagnostic]:
    """Return what is wrong with the scripts of a project; `names` are what they declare together."""
    entries = zip(project.manifest.scripts, scripts, strict=True)
    declaring = [(script, parsed) for script, parsed in entries if script.run != "upgrade"]
    rules = _Rules(project, [parsed for _, parsed in declaring], names)
    for script, parsed in declaring:
        allowed = Suppressions(parsed)
        for statement in parsed.statements:
            for told in rules.of(statement, always=script.run == "always"):
                if not allowed(told[0], statement):
                    yield _flaw(parsed, statement, told)
        rules.end_script()


def _flaw(parsed: Script, statement: Statement, told: RuleHit) -> Diagnostic:
    rule, offset, message, hint = told
    line, column = position(parsed.rendered, statement.offset + offset)
    return Diagnostic(rule, SEVERITIES[rule], message, statement.script, line, column, hint=hint)


class _Rules:
    def __init__(self, project: ManifestFile, scripts: Sequence[Script], names: State) -> None:
        run = project.manifest.run
        self.own_tables = (run.history_table, run.release_table)
        self.names = names
        self.known = NamesInScope(project.manifest.project.schema)
        required = (profile.requires_extension for profile in project.manifest.profiles)
        self.there = known_names(scripts, filter(None, required), project.manifest.project.schema)
        self.makers = first_makers(scripts)
        self.is_elsewhere = False
        """The script has set search_path."""
        statements = (statement for parsed in scripts for statement in parsed.statements)
        self.order = {statement.key: place for place, statement in enumerate(statements)}

    def end_script(self) -> None:
        """Forget what was meant by names while they had another meaning."""
        if self.is_elsewhere:
            self.is_elsewhere = False
            self.known.forget()

    def of(self, statement: Statement, *, always: bool) -> Iterator[RuleHit]:
        """Return what is wrong with the next statement."""
        tree = tree_of(statement.sql)
        if "search_path" in statement.sql and statement.node in ("variable_set_stmt", "select_stmt"):
            self.is_elsewhere = True
            self.known.forget()
        mentions = Mentions() if tree is None else mentions_in(tree)
        before = {effect.object for effect in statement.declaration.effects if effect.object in self.known.state}
        yield from self.follow(statement, mentions)
        if statement.node == "select_stmt" and tree is not None:
            self.known.open(strings_in(tree))
        yield from self.unknown_columns(statement, mentions, before)
        yield from self.unknown_table(statement)
        if tree is not None:
            yield from self.unknown_names(statement, tree)
        if always and statement.is_data and tree is not None:
            found = loudness(tree, lambda relation: self.known.drawing_of(relation_name(relation)))
            yield from (("not-quiet", 0, message, hint) for message, hint in found)
        yield from self.no_comment(statement, is_partition=mentions.is_partition)

    def follow(self, statement: Statement, mentions: Mentions) -> Iterator[RuleHit]:
        """Take in what a statement does, one effect after the other, and return what it declares again."""
        is_told = False
        for effect in statement.declaration.effects:
            if effect.action == "create" and not is_told:
                told = [*self.defined_twice(statement, effect.object)]
                yield from told
                is_told = bool(told) and effect.object.kind == "table"  # what is in it is not made either
            self.known.follow(statement, effect)
        self.known.end_statement(statement, mentions)

    def defined_twice(self, statement: Statement, item: Object) -> Iterator[RuleHit]:
        declaration = statement.declaration
        only_adds = declaration.guarded and not statement.makes_table
        if declaration.replaces or _may_be_twice(item, only_adds=only_adds):
            return
        other = item if item in self.known.state else self.namesake(item)
        if other is not None:
            maker = self.known.makers.get(other)
            where = f", at {maker.script}:{maker.line}" if maker else ""
            what = "is declared already" if other == item else f"has the name of {other}, which is declared"
            hint = "remove one of the two, or give it another name"
            if (item.kind, statement.node) == ("column", "alter_table_stmt"):
                hint += "; or write ADD COLUMN IF NOT EXISTS"
            yield "defined-twice", place_of(statement.sql, item.name), f"{item} {what}{where}", hint

    def namesake(self, item: Object) -> Object | None:
        """Return another object that has the name in the same name space."""
        return next((o for o in self.known.state.near(item.schema, item.name) if is_namesake(item, o)), None)

    def unknown_columns(
        self, statement: Statement, mentions: Mentions, before: Collection[Object]
    ) -> Iterator[RuleHit]:
        named = [(self.known.table(name), column) for name, column in mentions.columns]
        for effect in statement.declaration.effects:
            item = effect.object
            if item.subject.kind == "column" and effect.action in ("change", "set"):
                named.append((Object("table", item.table, "", item.schema), item.name))
        for table, name in dict.fromkeys(named):
            column = Object("column", name, table.name, table.schema)
            if table in self.known.complete and column not in before and column not in self.known.state:
                columns = self.known.columns(table)
                near = get_close_matches(name, columns, 1)
                hint = f"is {near[0]!r} meant?" if near else f"the table has: {', '.join(columns) or 'no column'}"
                yield "unknown-column", place_of(statement.sql, name), *self.unknown(column, statement, hint)

    def unknown_table(self, statement: Statement) -> Iterator[RuleHit]:
        table = statement.declaration.relation
        if table is None or statement.node not in _NEEDS_TABLE or not self.known.is_certain:
            return
        near = self.known.state.near(table.schema, table.name)
        there = any(o.name == table.name and o.kind in (*RELATIONS, *TYPES) for o in near)
        if not there and table.name not in self.own_tables:
            told = self.unknown(table, statement, "correct the name, or declare the table")
            yield "unknown-table", place_of(statement.sql, table.name), *told

    def unknown_names(self, statement: Statement, tree: Any) -> Iterator[RuleHit]:
        there = self.there
        if there is None or not self.known.is_certain:
            return
        for name in there.unknown_in(statement.sql, tree):
            known = there.functions if name.sort == "function" else there.types
            near = get_close_matches(name.word, known, 1)
            hint = f"is {near[0]!r} meant?" if near else f"make it, or declare the extension that has the {name.sort}"
            message = f"no script, no declared extension and not PostgreSQL has a {name.sort} {name}"
            yield f"unknown-{name.sort}", place_of(statement.sql, name.word), message, hint

    def unknown(self, item: Object, statement: Statement, hint: str) -> tuple[str, str]:
        """Return the message for what is not declared where it is named, and what to do."""
        maker = self.makers.get(item)
        if maker is not None and self.order[maker.key] > self.order[statement.key]:
            return f"{item} is declared only later, at {maker.script}:{maker.line}", "move this statement behind it"
        return f"no script declares {item}", hint

    def no_comment(self, statement: Statement, *, is_partition: bool) -> Iterator[RuleHit]:
        """Tell of tables and columns that have no comment when all scripts have been read, where they are made."""
        bare = [
            item
            for item in (effect.object for effect in statement.declaration.effects if effect.action == "create")
            if self.makers[item] is statement and item in self.names and item.comment not in self.names
        ]
        for table in (item for item in bare if item.kind == "table" and not is_partition):
            yield "no-comment", place_of(statement.sql, table.name), f"{table} has no comment", "add COMMENT ON TABLE"
        if columns := [item for item in bare if item.kind == "column"]:
            owner = Object("table", columns[0].table, "", columns[0].schema)
            message = f"columns of {owner} without a comment: {', '.join(item.name for item in columns)}"
            yield "no-comment", place_of(statement.sql, columns[0].name), message, "add COMMENT ON COLUMN"


def _may_be_twice(item: Object, *, only_adds: bool) -> bool:
    """Return whether it does no harm to declare an object again: IF NOT EXISTS adds no more than a name."""
    if item.kind in ("schema", "extension", "column"):
        return only_adds
    return item.kind == "constraint" and item.name.endswith(")")
