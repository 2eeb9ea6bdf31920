"""Which functions and types there are: those of the scripts, of PostgreSQL, and of the declared extensions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from msgspec import Struct
from postgast import pg_query_pb2 as pg

from runner.resources import read_sql
from runner.sql.names import Name, name_in
from runner.sql.objects import Effect, Object
from runner.sql.statements import Script, effects_in
from runner.sql.trees import strings, tree_of

_CATALOGS = ("pg_catalog", "information_schema")
_ALIASES = "serial serial2 serial4 serial8 smallserial bigserial".split()
_WITH_ROW_TYPE = ("type", "domain", "table", "view", "materialized view", "sequence")
_ROUTINES = ("function", "procedure")
_WORD = re.compile(r"[^\W\d][\w$]*")
_LOOKED_AT = (
    pg.CreateStmt, pg.AlterTableStmt, pg.IndexStmt, pg.ViewStmt, pg.CreateTableAsStmt, pg.CreateFunctionStmt,
    pg.CreateTrigStmt, pg.CreateDomainStmt, pg.CompositeTypeStmt, pg.CreatePolicyStmt, pg.RuleStmt,
    pg.SelectStmt, pg.InsertStmt, pg.UpdateStmt, pg.DeleteStmt, pg.MergeStmt,
)  # fmt: skip


class _Names(NamedTuple):
    functions: frozenset[str]
    types: frozenset[str]


class KnownNames(Struct, frozen=True):
    """The functions and types that a statement may name without a schema, and what else a word of it may be."""

    functions: frozenset[str]
    types: frozenset[str]
    server: _Names
    schemas: frozenset[str]
    """Those in which the scripts make something, the target among them: of others nothing is known."""
    words: frozenset[str]
    """Everything above, keywords and the names of the scripts' other objects."""

    def unknown_in(self, sql: str, tree: Any) -> Iterator[Name]:
        """Return the functions and types that a statement names and nobody has."""
        if '"' not in sql and self.words.issuperset(_WORD.findall(sql.lower())):
            return  # which is so of most, and quicker than their trees
        for name in dict.fromkeys(_named_in(tree)):
            if name.schema and name.schema not in (*_CATALOGS, *self.schemas):
                continue
            known = self.server if name.schema in _CATALOGS else self
            there = known.functions if name.sort == "function" else known.types
            is_array = name.sort == "type" and name.word.removeprefix("_") in there
            if name.word not in there and not is_array:
                yield name


def known_names(scripts: Sequence[Script], required: Iterable[str], target: str) -> KnownNames | None:
    """Return the names that there are; None where scripts may make others, or declare an extension that is not known.

    `required` are extensions that a database must have; `target` is the schema that names without one mean.
    """
    listed = _listed()
    objects = {item for _, effect in effects_in(scripts) for item in _made(effect)}
    extensions = {item.name for item in objects if item.kind == "extension"} | set(required)
    if not extensions <= {*listed, "plpgsql"}:
        return None
    defined = [*_defined(scripts)]
    if None in defined:
        return None
    others = {name for name in defined if name}
    server = listed["postgresql"]
    own_types = {item.name for item in objects if item.kind in _WITH_ROW_TYPE} | others
    own_types |= {f"{name}_multirange" for name in own_types} | {n.replace("range", "multirange") for n in own_types}
    types = server.types.union(own_types, _ALIASES, *(listed[name].types for name in extensions & listed.keys()))
    routines = {item.name.partition("(")[0] for item in objects if item.kind in _ROUTINES}
    columns = {item.name for item in objects if item.kind == "column"}  # f(row) is a column of the row
    functions = server.functions.union(
        routines, types, columns, *(listed[name].functions for name in extensions & listed.keys())
    )
    schemas = frozenset({item.schema or target for item in objects} | {target})
    rest = {item.name for item in objects} | schemas | {item.table for item in objects}
    return KnownNames(functions, types, server, schemas, frozenset(functions | types | _keywords() | rest))


def _made(effect: Effect) -> tuple[Object, ...]:
    return (effect.object, effect.becomes) if effect.action in ("rename", "move") else (effect.object,)


def _defined(scripts: Sequence[Script]) -> Iterator[str | None]:
    """Return what statements define that effects do not tell: aggregates and base types; None for any others."""
    for statement in (statement for script in scripts for statement in script.statements):
        if statement.node == "define_stmt":
            tree = tree_of(statement.sql)
            yield None if tree is None else name_in("type", tree.defnames).word
        elif statement.node == "create_schema_stmt" and statement.declaration.opaque:
            yield None  # it makes tables and views too


def _named_in(tree: Any) -> Iterator[Name]:
    """Return the functions and the types that a statement names, but for those in options and of other objects."""
    if not isinstance(tree, _LOOKED_AT):
        return
    if isinstance(tree, pg.CreateTrigStmt):
        yield name_in("function", tree.funcname)
    waiting: list[Any] = [tree]
    while waiting:
        message = waiting.pop()
        if isinstance(message, (pg.DefElem, pg.ObjectWithArgs)):
            continue
        if isinstance(message, pg.FuncCall):
            yield name_in("function", message.funcname)
        elif isinstance(message, pg.TypeName):
            if [*strings(message.names)] and not message.pct_type:
                yield name_in("type", message.names)
            continue
        for field, value in message.ListFields():
            if field.message_type is not None:
                waiting += value if field.is_repeated else (value,)


@cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads(read_sql("lint/server_names.toml"))


@cache
def _listed() -> Mapping[str, _Names]:
    """Return what PostgreSQL has, under its own name, and what extensions have, under theirs."""
    return {
        name: _Names(frozenset(part["functions"].split()), frozenset(part["types"].split()))
        for name, part in _file().items()
        if isinstance(part, dict)
    }


def _keywords() -> frozenset[str]:
    return frozenset(_file()["keywords"].split())
