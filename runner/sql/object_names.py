"""Objects by the names that a statement has for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from runner.sql.objects import ANY_ARGUMENTS, Object
from runner.sql.quoting import identifier
from runner.sql.trees import strings

if TYPE_CHECKING:
    from postgast import pg_query_pb2 as pg


KINDS = {
    "OBJECT_TABLE": "table",
    "OBJECT_FOREIGN_TABLE": "table",
    "OBJECT_INDEX": "index",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_TYPE": "type",
    "OBJECT_DOMAIN": "domain",
    "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "function",
    "OBJECT_ROUTINE": "function",
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_RULE": "rule",
    "OBJECT_POLICY": "policy",
    "OBJECT_STATISTIC_EXT": "statistics",
    "OBJECT_TABCONSTRAINT": "constraint",
    "OBJECT_DOMCONSTRAINT": "domain constraint",
    "OBJECT_COLUMN": "column",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_EXTENSION": "extension",
    "OBJECT_EVENT_TRIGGER": "event trigger",
    "OBJECT_AGGREGATE": "aggregate",
    "OBJECT_OPERATOR": "operator",
    "OBJECT_OPCLASS": "operator class",
    "OBJECT_OPFAMILY": "operator family",
    "OBJECT_COLLATION": "collation",
    "OBJECT_CONVERSION": "conversion",
    "OBJECT_TSPARSER": "text search parser",
    "OBJECT_TSTEMPLATE": "text search template",
    "OBJECT_TSDICTIONARY": "text search dictionary",
    "OBJECT_TSCONFIGURATION": "text search configuration",
    "OBJECT_CAST": "cast",
    "OBJECT_TRANSFORM": "transform",
    "OBJECT_LANGUAGE": "language",
    "OBJECT_ACCESS_METHOD": "access method",
    "OBJECT_PUBLICATION": "publication",
    "OBJECT_SUBSCRIPTION": "subscription",
    "OBJECT_FDW": "foreign-data wrapper",
    "OBJECT_FOREIGN_SERVER": "server",
}
PARTS_OF_A_TABLE = ("trigger", "rule", "policy", "constraint", "column")
_NAMED_OTHERWISE = ("cast", "transform", "operator class", "operator family")
_TYPES = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "varchar": "character varying",
    "bpchar": "character",
    "char": '"char"',
    "varbit": "bit varying",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
}
"""Types that PostgreSQL writes in another way than it calls them."""


class ObjectNames:
    """Finds which object a name means; those of the target schema have no schema."""

    def __init__(self, target: str) -> None:
        self.target = target

    def named_object(self, object_type: str, node: pg.Node) -> Object | None:
        """Return what DROP, COMMENT or RENAME is about, None when it is of a kind that is not compared."""
        kind = KINDS.get(object_type)
        if kind is None:
            return None
        if node.HasField("object_with_args"):
            return self.routine(kind, node.object_with_args)
        if node.HasField("string"):
            return Object(kind, node.string.sval)
        parts = node.type_name.names if node.HasField("type_name") else node.list.items
        if kind in _NAMED_OTHERWISE:
            return self.named_otherwise(kind, parts)
        names = [*strings(parts)]
        if kind == "domain constraint":
            domain = self.named("domain", parts[0].type_name.names)
            return Object(kind, names[-1], domain.name, domain.schema)
        if kind in PARTS_OF_A_TABLE:
            schema, table = self.qualified(names[:-1])
            return Object(kind, names[-1], table, schema)
        return self.named(kind, parts)

    def routine(self, kind: str, node: pg.ObjectWithArgs) -> Object:
        """Return a function, an aggregate or an operator, with the types of its arguments."""
        types = [item.type_name for item in node.objargs]
        if kind == "aggregate":
            return self.aggregate(node.objname, types)
        return self.operator(node.objname, types) if kind == "operator" else self.function(node)

    def aggregate(self, names: Iterable[pg.Node], types: Sequence[pg.TypeName]) -> Object:
        """Return an aggregate, whose arguments are a star where it has none."""
        return self.named("aggregate", names, self.arguments(types) if types else "(*)")

    def operator(self, names: Iterable[pg.Node], types: Sequence[pg.TypeName]) -> Object:
        """Return an operator with the types at its left and its right."""
        sides = (self.type_name(node) if node.names else "none" for node in types)
        return self.named("operator", names, f"({', '.join(sides)})")

    def named_otherwise(self, kind: str, parts: Sequence[pg.Node]) -> Object:
        """Return a cast, a transform, or what is of an access method, which is named first."""
        if kind == "cast":
            return self.cast(parts[0].type_name, parts[1].type_name)
        if kind == "transform":
            return self.transform(parts[0].type_name, parts[1].string.sval)
        return self.of_method(kind, parts[1:], parts[0].string.sval)

    def cast(self, source: pg.TypeName, target: pg.TypeName) -> Object:
        """Return a cast."""
        return Object("cast", f"({self.type_name(source)} as {self.type_name(target)})")

    def transform(self, type_: pg.TypeName, language: str) -> Object:
        """Return a transform."""
        return Object("transform", f"for {self.type_name(type_)} language {identifier(language)}")

    def of_method(self, kind: str, names: Iterable[pg.Node], method: str) -> Object:
        """Return an operator class or family of an access method."""
        return self.named(kind, names, f" using {method}")

    def function(self, node: pg.ObjectWithArgs) -> Object:
        """Return a function with the types of its arguments, where they are written."""
        if node.args_unspecified:
            return self.named("function", node.objname, ANY_ARGUMENTS)
        return self.named("function", node.objname, self.arguments([item.type_name for item in node.objargs]))

    def arguments(self, types: Sequence[pg.TypeName]) -> str:
        """Return the arguments of a function; the text does not tell which type a column has."""
        if any(node.pct_type for node in types):
            return ANY_ARGUMENTS
        return f"({', '.join(self.type_name(node) for node in types)})"

    def type_name(self, node: pg.TypeName) -> str:
        """Return a type as PostgreSQL writes it where its length does not matter."""
        names = [*strings(node.names)]
        schema, name = self.qualified(names)
        if schema in ("", "pg_catalog"):
            text = _TYPES.get(name) or (name if names[0] == "pg_catalog" else identifier(name))
        else:
            text = f"{identifier(schema)}.{identifier(name)}"
        return f"{text}[]" if node.array_bounds else text

    def full_type_name(self, node: pg.TypeName) -> str:
        """Return a type as PostgreSQL writes it, with its length; empty when that is no number."""
        text, lengths = self.type_name(node), [item.a_const for item in node.typmods]
        if not all(length.HasField("ival") for length in lengths):
            return ""
        name, with_, more = text.partition(" with")
        return f"{name}({','.join(str(length.ival.ival) for length in lengths)}){with_}{more}" if lengths else text

    def named(self, kind: str, names: Iterable[pg.Node], suffix: str = "") -> Object:
        """Return the object that the parts of a name mean."""
        schema, name = self.qualified([*strings(names)])
        return Object(kind, name + suffix, "", schema)

    def relation(self, kind: str, relation: pg.RangeVar) -> Object:
        """Return a relation."""
        return Object(kind, relation.relname, "", self.schema(relation.schemaname))

    def qualified(self, names: list[str]) -> tuple[str, str]:
        """Return the schema and the name that the parts of a name are."""
        return self.schema(names[-2] if len(names) > 1 else ""), str(names[-1]) if names else ""

    def schema(self, name: str) -> str:
        """Return a schema as objects have it."""
        return "" if name == self.target else name


def is_temporary(relation: pg.RangeVar) -> bool:
    """Return whether a relation is gone with the session."""
    return bool(relation.relpersistence == "t" or relation.schemaname == "pg_temp")
