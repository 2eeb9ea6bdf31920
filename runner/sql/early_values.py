"""Values of enum types, made with the type: before PostgreSQL 17 one cannot be used in the transaction that adds it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from postgast import pg_query_pb2 as pg

from runner.sql.quoting import literal
from runner.sql.statements import Statement
from runner.sql.trees import strings, tree_of

SINCE = 170_000
"""The server version from which on a value can be used at once."""
_VALUES = re.compile(r"(.*?\benum\s*)\(.*\)\s*", re.IGNORECASE | re.DOTALL)
_Key = tuple[str, int]


class EarlyValues(Struct, frozen=True):
    """The values with which types are made, by the key of their statement, and the statements that then add none."""

    made: Mapping[_Key, tuple[str, ...]] = {}
    needless: frozenset[_Key] = frozenset()

    def sql(self, statement: Statement, sql: str) -> str:
        """Return CREATE TYPE with all values; any other statement as it is."""
        values = self.made.get(statement.key)
        found = _VALUES.fullmatch(sql) if values else None
        return f"{found[1]}({', '.join(map(literal, values))})" if found and values else sql


def early_values(statements: Iterable[Statement]) -> EarlyValues:
    """Return the values that statements add to types which others among them make."""
    types: dict[tuple[str, ...], list[list[str]]] = {}
    makers: dict[tuple[str, ...], _Key] = {}
    made: dict[_Key, tuple[str, ...]] = {}
    needless: set[_Key] = set()
    for statement in statements:
        if statement.node not in ("create_enum_stmt", "alter_enum_stmt"):
            continue
        tree = tree_of(statement.sql)
        name = (*strings(tree.type_name),)
        if isinstance(tree, pg.CreateEnumStmt):
            types[name], makers[name] = [[value, value] for value in strings(tree.vals)], statement.key
        elif name in types and tree.old_val:
            for value in types[name]:
                value[1] = tree.new_val if value[1] == tree.old_val else value[1]
        elif name in types:
            _add(types[name], tree)
            needless.add(statement.key)
            made[makers[name]] = tuple(value for value, _ in types[name])
    return EarlyValues(made, frozenset(needless))


def _add(values: list[list[str]], tree: pg.AlterEnumStmt) -> None:
    """Add a value where the statement puts it; each is kept as it is made, and as it is called by now."""
    now: Sequence[str] = [value for _, value in values]
    if tree.new_val in now:
        return
    at = now.index(tree.new_val_neighbor) + tree.new_val_is_after if tree.new_val_neighbor in now else len(now)
    values.insert(at, [tree.new_val, tree.new_val])
